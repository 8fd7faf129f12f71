// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// A path or a key that cannot be used, and why.
package struct NameError: ExplainedError {
    package let what: String
    /// Why it was refused, without the name.
    package let reason: String

    package let remedy: String

    package var codeName: String { "bad-name" }

    private static let rename = "Rename it, or leave it out of the job."

    /// The path `bytes` is refused for `reason`.
    package static func path(_ bytes: [UInt8], _ reason: String) -> NameError {
        NameError(
            what: "Cannot use the path \"\(shortened(bytes))\": \(reason)",
            reason: reason,
            remedy: rename
        )
    }

    /// The path `bytes` is refused because it does not begin at the root.
    package static func notAbsolute(_ bytes: [UInt8]) -> NameError {
        let reason = "it is not absolute"
        return NameError(
            what: "Cannot use the path \"\(shortened(bytes))\": \(reason)",
            reason: reason,
            remedy: "Write an absolute path, one that begins with a slash."
        )
    }

    /// The object key `bytes` is refused for `reason`.
    package static func key(_ bytes: [UInt8], _ reason: String) -> NameError {
        NameError(
            what: "Cannot use the object key \"\(shortened(bytes))\": \(reason)",
            reason: reason,
            remedy: rename
        )
    }

    private static func shortened(_ bytes: [UInt8]) -> String {
        bytes.count <= 300
            ? bytes.logSafe : bytes.prefix(200).logSafe + "…" + bytes.suffix(60).logSafe
    }
}
