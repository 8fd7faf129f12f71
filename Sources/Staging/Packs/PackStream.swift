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
    /// Of the pack, and of each file in it: two, because a part is hashed while the next one is read.
    private let pack = Mutex<SHA256Hasher?>(SHA256Hasher())
    private let files: Mutex<[CRC64NVME]>
    private let whole = Mutex(CRC64NVME())

    package convenience init(_ plan: PackPlan) { self.init(plan, memory: .ofThisProcess) }

    init(_ plan: PackPlan, memory: PartMemory) {
        self.plan = plan
        self.memory = memory
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
        let (bytes, checksum) = try await Threads.value { () throws(StagingError) in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(Int(range.length))
            let checksum = try self.forEachPiece(of: range) { bytes += $0 }
            return (bytes, checksum)
        }
        let end = range.offset + range.length
        reading.pass(to: end)
        _ = await hashing.turn(of: range.offset)
        pack.withLock { pack in bytes.withUnsafeBytes { pack?.update($0) } }
        hashing.pass(to: end)
        return ReadyBytes(body: room.body(bytes), checksum: checksum)
    }

    /// The next part, which is read once more when it is sent.
    private func sum(_ range: ByteRange) async throws(StagingError) -> ReadyBytes {
        _ = await hashing.turn(of: range.offset)
        let checksum = try await Threads.value { () throws(StagingError) in
            try self.forEachPiece(of: range) { piece in self.pack.withLock { $0?.update(piece) } }
        }
        hashing.pass(to: range.offset + range.length)
        reading.pass(to: range.offset + range.length)
        return ReadyBytes(body: body(range), checksum: checksum)
    }

    /// Reads `range` front to back, and adds up its own checksum and those of its files.
    private func forEachPiece(
        of range: ByteRange,
        _ take: (UnsafeRawBufferPointer) -> Void
    ) throws(StagingError) -> CRC64NVME {
        var checksum = CRC64NVME()
        var sums = files.withLock { $0 }
        let reader = PackReader(plan, from: range.offset, count: range.length)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        // SAFETY: this scope owns `buffer`; nothing keeps a pointer to it.
        defer { buffer.deallocate() }
        while let (index, count) = try reader.piece(into: buffer) {
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            checksum.update(piece)
            if let index { sums[index].update(piece) }
            take(piece)
        }
        try plan.checkEmptyFiles(in: range)
        files.withLock { $0 = sums }
        whole.withLock { $0.append(checksum, length: range.length) }
        return checksum
    }

    /// What the whole pack and every file in it came to, in order; once all of it has been uploaded.
    package func finish() -> PackSource.Digests {
        let digest = pack.withLock { pack in
            guard let hasher = pack.take() else { preconditionFailure("it is finished once") }
            return hasher.finalize()
        }
        return (digest, whole.withLock { $0 }, files.withLock { $0 })
    }
}
