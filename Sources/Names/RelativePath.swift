// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// A path below some directory, as bytes: never absolute, never leaving that directory by its text.
///
/// It has at least one component, none of them empty, `.` or `..`. A link on the way can still
/// lead elsewhere, so files are opened beneath a directory descriptor, never by joining texts.
package struct RelativePath: ByteNamed, Hashable, Sendable {
    package let bytes: [UInt8]

    /// Takes a relative path only if it is normal already.
    package init(_ bytes: some Sequence<UInt8>) throws(NameError) {
        let bytes = Array(bytes)
        // The rules are those of an absolute path that begins one byte earlier.
        let problem =
            bytes.isEmpty
            ? "it is empty"
            : FilePath.problem(withLength: bytes.count + 1)
                ?? FilePath.problem(withNamesOf: bytes, from: 0)
        if let problem { throw NameError.path(bytes, problem) }
        self.bytes = bytes
    }

    /// Takes what is known to be such a path.
    init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Takes the path that `text` spells in UTF-8.
    package init(_ text: String) throws(NameError) { try self.init(text.utf8) }

    /// The names from the top down.
    package var components: [ArraySlice<UInt8>] { bytes.split(separator: FilePath.slash) }

    /// The last name.
    package var lastComponent: ArraySlice<UInt8> {
        bytes[(bytes.lastIndex(of: FilePath.slash) ?? -1).advanced(by: 1)...]
    }

    /// What stands before the last name; nil if nothing does.
    package var parent: RelativePath? {
        guard let cut = bytes.lastIndex(of: FilePath.slash) else { return nil }
        return RelativePath(unchecked: Array(bytes[..<cut]))
    }

    /// The first name.
    package var firstComponent: ArraySlice<UInt8> { components.first ?? [] }

    /// This path for a message or a log.
    package var logSafe: String { bytes.logSafe }

    /// Calls `body` with the path as C takes it.
    package func withCString<Result, Failure: Error>(
        _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try bytes.withCPath(body)
    }
}

extension RelativePath: Comparable {
    package static func < (a: RelativePath, b: RelativePath) -> Bool {
        a.bytes.lexicographicallyPrecedes(b.bytes)
    }
}

extension RelativePath: CustomStringConvertible {
    package var description: String { logSafe }
}
