// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc

/// The system refused to open, read or write a file.
package struct FileFailure: ExplainedError {
    /// `open`, `read`, `write` or `empty`.
    package let operation: String
    package let name: String
    /// The errno(3).
    package let number: Int32

    package init(_ operation: String, _ name: String, _ number: Int32) {
        self.operation = operation
        self.name = name
        self.number = number
    }

    package var codeName: String { "file" }
    package var what: String {
        "Cannot \(operation) \"\(name)\": \(String(cString: strerror(number)))"
    }
    package var remedy: String { isFull ? "Make room on that disk, or raise the limit." : "" }
    /// Whether there is no room left, on the disk or within a quota.
    package var isFull: Bool { number == ENOSPC || number == EDQUOT }
}

/// A file has become shorter than it was when its length was taken.
package struct FileShrank: ExplainedError {
    package let name: String
    /// What it has, in bytes.
    package let size: Int64
    /// What it should have, at least.
    package let expected: Int64

    package var codeName: String { "file-shrank" }
    package var what: String {
        "\"\(name)\" has \(size) bytes where \(expected) are expected"
    }
    package var remedy: String { "Let nothing write to it while it is being sent." }
}

/// A body has more bytes than its receiver takes.
package struct BodyTooLong: ExplainedError {
    /// In bytes.
    package let limit: Int64

    package var codeName: String { "body-too-long" }
    package var what: String { "More than \(limit) bytes came" }
}
