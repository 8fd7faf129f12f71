// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file without a name that is gone when the value is.
package final class TemporaryFile: Sendable {
    package let descriptor: Int32

    package init(_ bytes: [UInt8] = []) throws {
        var template = Array("/tmp/galaxy-s3-test-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw ChildProcess.Failure(description: "mkstemp: \(String(cString: strerror(errno)))")
        }
        unlink(template)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                pwrite(
                    descriptor,
                    buffer.baseAddress?.advanced(by: offset),
                    buffer.count - offset,
                    off_t(offset)
                )
            }
            guard count > 0 else { throw ChildProcess.Failure(description: "pwrite failed") }
            offset += count
        }
    }

    deinit { close(descriptor) }

    /// All bytes in the file.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(bytes.count))
            if count <= 0 { return bytes }
            bytes += buffer[..<count]
        }
    }
}
