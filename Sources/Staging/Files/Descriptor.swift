// SPDX-License-Identifier: Apache-2.0

import CLinux
import Contract
import Glibc
import Names

/// An open file; closed when the last user lets go.
///
/// A class, because transfers on several threads share it; only positioned reads and writes are
/// used, so there is no offset to fight over.
package final class Descriptor: Sendable {
    /// The file descriptor, valid as long as this object lives.
    package let raw: Int32

    /// Takes over `raw`.
    package init(owning raw: Int32) { self.raw = raw }

    deinit { Glibc.close(raw) }

    /// What the file is now.
    package func status() throws(StagingError) -> FileStatus {
        var buffer = stat()
        guard fstat(raw, &buffer) == 0 else { throw .system("look at", "an open file") }
        return FileStatus(buffer)
    }

    /// What the file takes on the disk, in bytes; 0 if that cannot be told.
    var allocatedBytes: Int64 {
        var buffer = stat()
        return fstat(raw, &buffer) == 0 ? Int64(buffer.st_blocks) * 512 : 0
    }

    /// Reads up to `count` bytes at `offset`.
    package func read(
        at offset: Int64,
        into buffer: UnsafeMutableRawBufferPointer,
        name: FilePath
    ) throws(StagingError) -> Int {
        while true {
            let count = pread(raw, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            guard errno == EINTR else { throw .system("read", name.logSafe) }
        }
    }

    /// Writes all of `bytes` at `offset`.
    package func write(
        _ bytes: UnsafeRawBufferPointer,
        at offset: Int64,
        name: FilePath
    ) throws(StagingError) {
        var rest = bytes
        var position = offset
        while !rest.isEmpty {
            let count = pwrite(raw, rest.baseAddress, rest.count, off_t(position))
            if count < 0 {
                if errno == EINTR { continue }
                throw .system("write", name.logSafe)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[Int(count)...])
            position += Int64(count)
        }
    }

    /// All of a small file.
    package func readAll(limit: Int, name: FilePath) throws(StagingError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let result: Result<Int, StagingError> = buffer.withUnsafeMutableBytes { space in
                do throws(StagingError) {
                    return .success(try read(at: Int64(bytes.count), into: space, name: name))
                } catch {
                    return .failure(error)
                }
            }
            let count = try result.get()
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw StagingError(.refused, what: "\(name) is larger than \(limit) bytes")
            }
        }
    }

    /// Sets permission bits, then the time of last change.
    package func set(
        mode: FileMode,
        modified: FileTime,
        name: FilePath
    ) throws(StagingError) {
        guard fchmod(raw, mode_t(mode.bits)) == 0 else {
            throw .system("set the mode of", name.logSafe)
        }
        let times = [timespec(tv_sec: 0, tv_nsec: Int(UTIME_OMIT)), modified.timespec]
        guard futimens(raw, times) == 0 else { throw .system("set the time of", name.logSafe) }
    }

    /// Asks the kernel to put everything on the disk.
    package func synchronise(name: FilePath) throws(StagingError) {
        guard fsync(raw) == 0 else { throw .system("flush", name.logSafe) }
    }
}

/// glibc's UTIME_OMIT, whose macro Swift does not see: leave this time as it is.
private let UTIME_OMIT = (1 << 30) - 2

extension FileTime {
    /// As system calls take it.
    package var timespec: timespec {
        Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
    }

    /// As system calls give it.
    package init(_ time: timespec) {
        self.init(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }
}
