// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names
import Staging

/// A directory that a person names on the command line: relative or not, through links or not.
struct FolderPath {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Opens the directory.
    func open() throws(StagingError) -> Directory { try Directory(path: try resolved()) }

    /// Makes the directory, and those above it, where they are missing, and opens it.
    func made() throws(StagingError) -> Directory {
        for end in bytes.indices.dropFirst() + [bytes.endIndex]
        where end == bytes.endIndex || bytes[end] == FilePath.separator {
            let part = Array(bytes[..<end])
            guard part.withCPath({ mkdir($0, 0o777) }) == 0 || errno == EEXIST
            else { throw StagingError.system("make the directory", part.logSafe) }
        }
        return try open()
    }

    /// The one absolute path without links that the kernel means by it.
    private func resolved() throws(StagingError) -> FilePath {
        let found: [UInt8]? = bytes.withCPath { path in
            // SAFETY: realpath(3) allocates the text, which ends in a NUL; it is freed here.
            guard let text = realpath(path, nil) else { return nil }
            defer { free(text) }
            return UnsafeRawBufferPointer(start: text, count: strlen(text)).map { $0 }
        }
        guard let found else { throw StagingError.system("open the directory", bytes.logSafe) }
        return try naming { () throws(NameError) in try FilePath(found) }
    }
}
