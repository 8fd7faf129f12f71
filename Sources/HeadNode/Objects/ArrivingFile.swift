// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names
import Staging

/// A file that gets its name only when all of it is there: until then it has another one beside
/// it, which goes away if nothing becomes of it.
struct ArrivingFile: ~Copyable {
    let descriptor: Int32
    private let temporary: [UInt8]
    private let final: [UInt8]
    private var isPlaced = false

    /// Makes the temporary file beside `path`.
    init(_ path: [UInt8]) throws(StagingError) {
        let slash = path.lastIndex(of: FilePath.separator).map { $0 + 1 } ?? 0
        let name = path[slash...]
        // Names are at most 255 bytes, and the ending takes some of them.
        let ending = Array(".\(Nonce.draw().prefix(12)).part".utf8)
        temporary = path[..<slash] + [UInt8(ascii: ".")] + name.prefix(220) + ending
        final = path
        descriptor = temporary.withCPath { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
        guard descriptor >= 0 else { throw StagingError.system("create", path.logSafe) }
    }

    /// Brings the bytes to the disk and the file to its name, in place of what was there.
    mutating func place() throws(StagingError) {
        guard fsync(descriptor) == 0 else { throw StagingError.system("write", final.logSafe) }
        let result = temporary.withCPath { old in final.withCPath { rename(old, $0) } }
        guard result == 0 else { throw StagingError.system("write", final.logSafe) }
        isPlaced = true
    }

    deinit {
        close(descriptor)
        if !isPlaced { _ = temporary.withCPath { unlink($0) } }
    }
}
