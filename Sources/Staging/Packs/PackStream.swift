// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import Synchronization
import Transport

/// A pack as something to upload at a key that its content does not name: its files are read once.
///
/// Each part is read and summed when it is asked for, in order, and kept in memory until it is sent, while
/// the next one is read. Where there is no memory for it, it is read again to be sent. Each file is looked
/// at before it is read and after: what is sent of it is the version that was surveyed.
package final class PackStream: UploadSource {
    /// How large a part is meant to be: the first is on its way soon, and few bytes are kept.
    package static let partBytes = PartPlan.smallestPartBytes

    private let plan: PackPlan
    private let memory: PartMemory
    private let reading = Turns()
    private let hashing = Turns()
    private let digest: PackDigest.Kind
    /// nil where the pack's checksum is its digest.
    private let pack: Mutex<SHA256Hasher?>
    /// Of each file. Not with the pack's, which is hashed while the next part is read.
    private let files: Mutex<[CRC64NVME]>
    private let whole = Mutex(CRC64NVME())

    /// - Parameter digest: what is calculated of all bytes; their checksum is in any case.
    package convenience init(_ plan: PackPlan, digest: PackDigest.Kind) {
        self.init(plan, digest: digest, memory: .ofThisProcess)
    }

    init(_ plan: PackPlan, digest: PackDigest.Kind, memory: PartMemory) {
        self.plan = plan
        self.digest = digest
        self.memory = memory
        pack = Mutex(digest == .sha256 ? SHA256Hasher() : nil)
        files = Mutex(Array(repeating: CRC64NVME(), count: plan.count))
    }

    package var length: Int64 { plan.length }

    package func body(_ range: ByteRange) -> HTTPBody { PackSource(plan).body(range) }

    package func ready(_ range: ByteRange) async throws -> ReadyBytes? {
        switch await reading.turn(of: range.offset) {
        case .now: break
        // Of what is sent once more nothing is kept.
        case .past: return nil
        case .never(let failure): throw failure
        }
        do throws(StagingError) {
            guard let room = memory.room(for: range.length) else { return try await sum(range) }
            return try await read(range, into: room)
        } catch {
            reading.end(error)
            throw error
        }
    }

    /// The next part, in memory; it is hashed while the one after it is read.
    private func read(
        _ range: ByteRange,
        into room: PartMemory.Room
    ) async throws(StagingError) -> ReadyBytes {
        let checksum = try await Threads.value { () throws(StagingError) in
            var rest = room.bytes
            return try self.forEachPiece(of: range, into: { rest.front }) { piece in
                rest = UnsafeMutableRawBufferPointer(rebasing: rest[piece.count...])
            }
        }
        let end = range.offset + range.length
        reading.pass(to: end)
        _ = await hashing.turn(of: range.offset)
        pack.withLock { $0?.update(UnsafeRawBufferPointer(room.bytes)) }
        hashing.pass(to: end)
        return ReadyBytes(body: room.body, checksum: checksum)
    }

    /// The next part, which is read once more when it is sent.
    private func sum(_ range: ByteRange) async throws(StagingError) -> ReadyBytes {
        _ = await hashing.turn(of: range.offset)
        let checksum = try await Threads.value { () throws(StagingError) in
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: Self.pieceBytes,
                alignment: 64
            )
            // SAFETY: this scope owns `buffer`; nothing keeps a pointer to it.
            defer { buffer.deallocate() }
            return try self.forEachPiece(of: range, into: { buffer }) { piece in
                self.pack.withLock { $0?.update(piece) }
            }
        }
        hashing.pass(to: range.offset + range.length)
        reading.pass(to: range.offset + range.length)
        return ReadyBytes(body: body(range), checksum: checksum)
    }

    /// Reads `range` front to back, and adds up its own checksum and those of its files.
    ///
    /// - Parameter buffer: where the next piece may go.
    private func forEachPiece(
        of range: ByteRange,
        into buffer: () -> UnsafeMutableRawBufferPointer,
        _ take: (UnsafeRawBufferPointer) -> Void
    ) throws(StagingError) -> CRC64NVME {
        var checksum = CRC64NVME()
        var sums = files.withLock { $0 }
        let reader = PackReader(plan, from: range.offset, count: range.length)
        while case let room = buffer(), let (index, count) = try reader.piece(into: room) {
            let piece = UnsafeRawBufferPointer(rebasing: room[..<count])
            checksum.update(piece)
            if let index { sums[index].update(piece) }
            take(piece)
        }
        try plan.checkEmptyFiles(in: range)
        files.withLock { $0 = sums }
        whole.withLock { $0.append(checksum, length: range.length) }
        return checksum
    }

    /// How much is read at a time: it is summed while the processor's cache has it.
    fileprivate static let pieceBytes = 256 << 10

    /// What the whole pack and every file in it came to, in order; once all of it has been uploaded.
    package func finish() -> Sums {
        let checksum = whole.withLock { $0 }
        let sum =
            switch digest {
            case .crc64nvme: PackDigest.crc64nvme(checksum)
            case .sha256:
                pack.withLock { pack in
                    guard let hasher = pack.take() else {
                        preconditionFailure("it is finished once")
                    }
                    return PackDigest.sha256(hasher.finalize())
                }
            }
        return Sums(pack: sum, checksum: checksum, files: files.withLock { $0 })
    }

    /// What a pack came to.
    package struct Sums: Sendable {
        package let pack: PackDigest
        package let checksum: CRC64NVME
        /// Of each file, in order.
        package let files: [CRC64NVME]
    }
}

extension UnsafeMutableRawBufferPointer {
    /// No more than a piece.
    fileprivate var front: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: prefix(PackStream.pieceBytes))
    }
}
