// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import Synchronization
import Transport

/// A pack as something to upload at a key that its content does not name: its files are read once.
///
/// Each part is read and summed when it is asked for, two at a time, and kept in memory until it is sent.
/// Where there is no memory for one, it is summed when all before it are, and read again to be sent. A file
/// is looked at before it is read and after, in each part that has some of it: what is sent of it is the
/// version that was surveyed.
package final class PackStream: UploadSource {
    /// How large a part is meant to be: the first is on its way soon, and few bytes are kept.
    package static let partBytes = PartPlan.smallestPartBytes
    /// How much is read at a time: it is summed while the processor's cache has it.
    private static let pieceBytes = 256 << 10

    private let plan: PackPlan
    private let memory: PartMemory
    /// Whose turn it is to be read: opening small files keeps a processor busy.
    private let reading = Turns(atOnce: 2)
    /// Whose turn it is to be added to the sums.
    private let adding = Turns()
    private let digest: PackDigest.Kind
    private let sums: Mutex<Sums>

    /// What the parts have come to so far, front to back.
    fileprivate struct Sums: ~Copyable {
        /// nil where the pack's checksum is its digest.
        var pack: SHA256Hasher?
        var whole = CRC64NVME()
        var files: [CRC64NVME]
    }

    /// What one part has come to.
    fileprivate struct Part: Sendable {
        var whole = CRC64NVME()
        /// Of each file that has contents in it; of the first and the last it may be a piece.
        var files: [(index: Int, checksum: CRC64NVME, length: Int64)] = []
    }

    /// - Parameter digest: what is calculated of all bytes; their checksum is in any case.
    package convenience init(_ plan: PackPlan, digest: PackDigest.Kind) {
        self.init(plan, digest: digest, memory: .ofThisProcess)
    }

    init(_ plan: PackPlan, digest: PackDigest.Kind, memory: PartMemory) {
        self.plan = plan
        self.digest = digest
        self.memory = memory
        let files = Array(repeating: CRC64NVME(), count: plan.count)
        sums = Mutex(Sums(pack: digest == .sha256 ? SHA256Hasher() : nil, files: files))
    }

    package var length: Int64 { plan.length }

    package func body(_ range: ByteRange) -> HTTPBody { PackSource(plan).body(range) }

    package func ready(_ range: ByteRange) async throws -> ReadyBytes? {
        // Of what is sent once more nothing is kept.
        guard try await comesTo(reading, range) else { return nil }
        do throws(StagingError) {
            guard let room = memory.room(for: range.length) else {
                _ = try await comesTo(adding, range)
                let ready = try await sum(range)
                reading.pass(to: range.end)
                reading.leave()
                return ready
            }
            reading.pass(to: range.end)
            return try await read(range, into: room)
        } catch {
            for turns in [reading, adding] { turns.end(error) }
            throw error
        }
    }

    /// Waits for the turn of `range`; false if it is over already.
    private func comesTo(_ turns: Turns, _ range: ByteRange) async throws(StagingError) -> Bool {
        switch await turns.turn(of: range.offset) {
        case .now: return true
        case .past: return false
        case .never(let failure): throw failure
        }
    }

    /// A part in memory; others are read, added and sent meanwhile.
    private func read(
        _ range: ByteRange,
        into room: PartMemory.Room
    ) async throws(StagingError) -> ReadyBytes {
        let part = try await Threads.value { () throws(StagingError) in
            var rest = room.bytes
            return try self.part(range, into: { rest }) { piece in
                rest = UnsafeMutableRawBufferPointer(rebasing: rest[piece.count...])
            }
        }
        reading.leave()
        _ = try await comesTo(adding, range)
        sums.withLock { sums in
            sums.pack?.update(UnsafeRawBufferPointer(room.bytes))
            sums.add(part, length: range.length)
        }
        adding.pass(to: range.end)
        adding.leave()
        return ReadyBytes(body: room.body, checksum: part.whole)
    }

    /// The part whose turn it is to be added, which is read once more when it is sent.
    private func sum(_ range: ByteRange) async throws(StagingError) -> ReadyBytes {
        let part = try await Threads.value { () throws(StagingError) in
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: Self.pieceBytes,
                alignment: 64
            )
            // SAFETY: this scope owns `buffer`; nothing keeps a pointer to it.
            defer { buffer.deallocate() }
            return try self.part(range, into: { buffer }) { piece in
                self.sums.withLock { $0.pack?.update(piece) }
            }
        }
        sums.withLock { $0.add(part, length: range.length) }
        adding.pass(to: range.end)
        adding.leave()
        return ReadyBytes(body: body(range), checksum: part.whole)
    }

    /// Reads `range` front to back, and sums it up.
    ///
    /// - Parameter buffer: where the next piece may go.
    private func part(
        _ range: ByteRange,
        into buffer: () -> UnsafeMutableRawBufferPointer,
        _ take: (UnsafeRawBufferPointer) -> Void
    ) throws(StagingError) -> Part {
        var part = Part()
        let reader = PackReader(plan, from: range.offset, count: range.length)
        while true {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer().prefix(Self.pieceBytes))
            guard let (index, count) = try reader.piece(into: room) else { break }
            let piece = UnsafeRawBufferPointer(rebasing: room[..<count])
            part.whole.update(piece)
            if let index { part.add(piece, of: index) }
            take(piece)
        }
        try plan.checkEmptyFiles(in: range)
        return part
    }

    /// What the whole pack and every file in it came to, in order; once all of it has been uploaded.
    package func finish() -> Digests {
        sums.withLock { sums in
            let digest =
                switch digest {
                case .crc64nvme: PackDigest.crc64nvme(sums.whole)
                case .sha256: sums.takeSHA256()
                }
            return Digests(pack: digest, checksum: sums.whole, files: sums.files)
        }
    }

    /// What a pack came to.
    package struct Digests: Sendable {
        package let pack: PackDigest
        package let checksum: CRC64NVME
        /// Of each file, in order.
        package let files: [CRC64NVME]
    }
}

extension PackStream.Part {
    /// Takes the next bytes of a file.
    fileprivate mutating func add(_ piece: UnsafeRawBufferPointer, of index: Int) {
        if files.last?.index != index { files.append((index, CRC64NVME(), 0)) }
        let last = files.count - 1
        files[last].checksum.update(piece)
        files[last].length += Int64(piece.count)
    }
}

extension PackStream.Sums {
    /// Adds what follows.
    fileprivate mutating func add(_ part: PackStream.Part, length: Int64) {
        whole.append(part.whole, length: length)
        for (offset, file) in part.files.enumerated() {
            // Appending costs more than summing up a small file: only the first may have begun before.
            if offset == 0 {
                files[file.index].append(file.checksum, length: file.length)
            } else {
                files[file.index] = file.checksum
            }
        }
    }

    fileprivate mutating func takeSHA256() -> PackDigest {
        guard let hasher = pack.take() else { preconditionFailure("it is finished once") }
        return .sha256(hasher.finalize())
    }
}

extension ByteRange {
    /// Where what follows begins.
    fileprivate var end: Int64 { offset + length }
}
