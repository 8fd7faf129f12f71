// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import S3Client
import Transport

/// A pack as something to upload: made while it is read, never whole in memory or on disk.
package struct PackSource: UploadSource {
    let plan: PackPlan
    /// Of each file, in order.
    private let known: [CRC64NVME]?

    /// - Parameter digests: what the files have come to, if they have been read: then nothing is read
    ///   again but what is sent. The store refuses what has become something else meanwhile.
    package init(_ plan: PackPlan, known digests: Digests? = nil) {
        self.plan = plan
        known = digests?.files
    }

    package var length: Int64 { plan.length }

    package func body(_ range: ByteRange) -> HTTPBody {
        HTTPBody(length: range.length) { [plan] in
            PackReader(plan, from: range.offset, count: range.length)
        }
    }

    /// Of files that are whole in `range` nothing is read again.
    package func knownChecksum(_ range: ByteRange) throws -> CRC64NVME? {
        guard let known else { return nil }
        var sum = CRC64NVME()
        var position = range.offset
        let end = range.offset + range.length
        while position < end {
            let border = min(plan.border(after: position), end)
            if let index = plan.file(position..<border) {
                sum.append(known[index], length: border - position)
            } else {
                try PackReader(plan, from: position, count: border - position).sum(into: &sum)
            }
            position = border
        }
        return sum
    }

    /// What the whole pack and every file in it come to, in order.
    package typealias Digests = (pack: SHA256Digest, checksum: CRC64NVME, files: [CRC64NVME])

    /// Reads the whole pack once, on a thread of its own: that may take minutes, and tasks have few.
    package func digests() async throws(StagingError) -> Digests {
        try await Threads.value { () throws(StagingError) in try digestsHere() }
    }

    private func digestsHere() throws(StagingError) -> Digests {
        var hasher = SHA256Hasher()
        var checksum = CRC64NVME()
        var files = [CRC64NVME](repeating: CRC64NVME(), count: plan.count)
        try forEachPiece { index, piece in
            hasher.update(piece)
            checksum.update(piece)
            if let index { files[index].update(piece) }
        }
        return (hasher.finalize(), checksum, files)
    }

    /// Reads front to back; `index` is the file that a piece is contents of, if it is.
    private func forEachPiece(
        _ body: (_ index: Int?, UnsafeRawBufferPointer) -> Void
    ) throws(StagingError) {
        let reader = PackReader(plan, from: 0, count: plan.length)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        // SAFETY: this scope owns `buffer`; nothing keeps a pointer to it.
        defer { buffer.deallocate() }
        while let (index, count) = try reader.piece(into: buffer) {
            body(index, UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// Fails if any file is no longer the version that was surveyed.
    package func checkUnchanged() async throws(StagingError) {
        try await Threads.value { () throws(StagingError) in
            for member in plan.members { try member.file.checkUnchanged() }
        }
    }
}

/// Reads a range of a pack front to back, opening one file at a time.
final class PackReader: HTTPBodyReader {
    private let plan: PackPlan
    private var position: Int64
    private let end: Int64
    private var index: Int
    /// That of `index`; nil behind the last one.
    private var member: PackPlan.Member?
    private var open: Descriptor?
    /// Of the current member, once it is wanted.
    private var header: [UInt8]?

    init(
        _ plan: PackPlan,
        from offset: Int64,
        count: Int64
    ) {
        self.plan = plan
        position = offset
        end = offset + count
        index = plan.index(at: offset)
        member = index < plan.count ? plan.members[index] : nil
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var filled = 0
        while filled < buffer.count, position < end {
            let room = Int(min(Int64(buffer.count - filled), end - position))
            let space = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<(filled + room)])
            let count = try step(space)
            filled += count
            position += Int64(count)
        }
        return filled
    }

    /// Adds all that is left to a checksum.
    func sum(into checksum: inout CRC64NVME) throws {
        try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            while case let count = try read(into: buffer), count > 0 {
                checksum.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }

    /// The next piece, never across the border of a file's contents; nil at the end.
    func piece(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(StagingError) -> (index: Int?, count: Int)? {
        guard position < end else { return nil }
        let room = Int(min(Int64(buffer.count), end - position))
        let start = position
        let count = try step(UnsafeMutableRawBufferPointer(rebasing: buffer[..<room]))
        position += Int64(count)
        guard let member else { return (nil, count) }
        let isContents = start >= member.contents && start < member.contents + member.file.size
        return (isContents ? index : nil, count)
    }

    /// The current member, opened when its first byte is wanted.
    private func opened(_ file: SurveyedFile) throws(StagingError) -> Descriptor {
        if let open { return open }
        let descriptor = try file.open()
        open = descriptor
        return descriptor
    }

    /// Fills the front of `space` from one piece: a header, some contents, padding, or the end.
    private func step(_ space: UnsafeMutableRawBufferPointer) throws(StagingError) -> Int {
        while let current = member, current.end <= position {
            index += 1
            member = index < plan.count ? plan.members[index] : nil
            open = nil
            header = nil
        }
        guard let member else {
            space.initializeMemory(as: UInt8.self, repeating: 0)
            return space.count
        }
        if position < member.contents {
            let header = header ?? plan.header(of: member)
            self.header = header
            let piece = header[Int(position - member.offset)...].prefix(space.count)
            space.copyBytes(from: piece)
            return piece.count
        }
        let inFile = position - member.contents
        guard inFile < member.file.size else {
            let zeros = Int(min(member.end - position, Int64(space.count)))
            let piece = UnsafeMutableRawBufferPointer(rebasing: space[..<zeros])
            piece.initializeMemory(as: UInt8.self, repeating: 0)
            return zeros
        }
        let descriptor = try opened(member.file)
        let wanted = Int(min(member.file.size - inFile, Int64(space.count)))
        let piece = UnsafeMutableRawBufferPointer(rebasing: space[..<wanted])
        let count = try descriptor.read(at: inFile, into: piece, name: member.file.path)
        guard count > 0 else {
            throw StagingError(
                .changed,
                what: "\(member.file.path) became shorter while it was being copied"
            )
        }
        // At the end of a range as at that of a file: whoever reads the rest may have read it before.
        let isLast = inFile + Int64(count) == member.file.size || position + Int64(count) == end
        if isLast { try member.file.checkRead(descriptor) }
        return count
    }
}
