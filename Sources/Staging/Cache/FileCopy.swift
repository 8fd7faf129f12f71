// SPDX-License-Identifier: Apache-2.0

import CLinux
import Digests
import Glibc
import Names

/// Copies a file of the node's cache to where a job wants it.
///
/// Where both lie on one file system that can, they share their blocks until one of them is written
/// to (copy_file_range(2)): then a copy costs no room. What the target has is read back and hashed,
/// whichever way it came there.
struct FileCopy: Sendable {
    /// Between two looks at whether somebody else wants this thread, in bytes.
    private static let stride: Int64 = 16 << 20
    private static let bufferSize = 256 << 10

    let source: Descriptor
    let sourceName: FilePath
    let target: Descriptor
    let targetName: FilePath
    /// In bytes.
    let size: Int64

    /// Why there is no copy: the source cannot be read, or is too short. Trouble with the target is thrown.
    struct Unreadable: Error { let reason: String }

    /// - Returns: the checksum of what the target has.
    func callAsFunction() async throws(StagingError) -> Result<CRC64NVME, Unreadable> {
        var checksum = CRC64NVME()
        var sharesBlocks = true
        var position: Int64 = 0
        while position < size {
            let end = min(position + Self.stride, size)
            if sharesBlocks { sharesBlocks = share(position, end) }
            if !sharesBlocks, let failure = try copy(position, end) { return .failure(failure) }
            try hash(position, end, &checksum)
            position = end
            await Task.yield()
            guard !Task.isCancelled else {
                throw StagingError(.cancelled, what: "Cannot copy \(sourceName): cancelled")
            }
        }
        return .success(checksum)
    }

    /// Lets the kernel copy. What it cannot do, or not to the end, is done by hand, which also says why.
    private func share(
        _ start: Int64,
        _ end: Int64
    ) -> Bool {
        var position = start
        while position < end {
            let wanted = Int(end - position)
            let count = clinux_copy_range(source.raw, target.raw, position, wanted)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            position += Int64(count)
        }
        return true
    }

    private func copy(
        _ start: Int64,
        _ end: Int64
    ) throws(StagingError) -> Unreadable? {
        var failure: Unreadable?
        try pieces(start, end) { (piece, position) throws(StagingError) -> Int in
            let count: Int
            do throws(StagingError) {
                count = try source.read(at: position, into: piece, name: sourceName)
            } catch {
                failure = Unreadable(reason: error.what)
                return 0
            }
            guard count > 0 else {
                failure = Unreadable(reason: "it ends after \(position) bytes of \(size)")
                return 0
            }
            let read = UnsafeRawBufferPointer(rebasing: piece[..<count])
            try target.write(read, at: position, name: targetName)
            return count
        }
        return failure
    }

    private func hash(
        _ start: Int64,
        _ end: Int64,
        _ checksum: inout CRC64NVME
    ) throws(StagingError) {
        var sum = checksum
        try pieces(start, end) { (piece, position) throws(StagingError) -> Int in
            let count = try target.read(at: position, into: piece, name: targetName)
            sum.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
            return count
        }
        checksum = sum
    }

    /// Calls `body` with space for each piece and its offset, until it says that it took none.
    private func pieces(
        _ start: Int64,
        _ end: Int64,
        _ body: (UnsafeMutableRawBufferPointer, Int64) throws(StagingError) -> Int
    ) throws(StagingError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.bufferSize,
            alignment: 16
        )
        // SAFETY: this scope owns `buffer`; nothing keeps a pointer to it.
        defer { buffer.deallocate() }
        var position = start
        while position < end {
            let wanted = Int(min(Int64(buffer.count), end - position))
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
            let count = try body(piece, position)
            guard count > 0 else { return }
            position += Int64(count)
        }
    }
}
