// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names

/// A small file read whole.
enum SmallFile {
    enum Failure: Error {
        case tooLong
        case system(Int32)
    }

    /// - Parameter limit: in bytes.
    static func read(_ path: FilePath, limit: Int) throws(Failure) -> [UInt8] {
        try read(bytes: path.bytes, limit: limit)
    }

    /// - Parameters:
    ///   - path: absolute, or relative to the current directory; without a NUL.
    ///   - limit: in bytes.
    static func read(bytes path: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        let descriptor = path.withCPath { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw .system(errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(errno)
            }
            bytes += buffer[..<count]
            if bytes.count > limit { throw .tooLong }
        }
    }
}
