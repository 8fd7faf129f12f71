// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc

/// A small file that an administrator or the kubelet wrote, read whole.
enum LimitedFile {
    /// A kubeconfig with many clusters' certificates stays far below.
    static let longest = 4 << 20

    enum Failure: Error {
        case tooLong
        case system(Int32)

        /// Why, in a few words.
        var words: String {
            switch self {
            case .tooLong: "it has more than \(longest) bytes"
            case .system(let number): String(cString: strerror(number))
            }
        }

        var isMissing: Bool { if case .system(ENOENT) = self { true } else { false } }
    }

    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
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
            if bytes.count > longest { throw .tooLong }
        }
    }
}
