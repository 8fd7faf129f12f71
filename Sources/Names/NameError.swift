// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// A path or a key that cannot be used, and why.
package struct NameError: ExplainedError {
    package let what: String
    /// Why it was refused, without the name.
    package let reason: String

    package var codeName: String { "bad-name" }
    package var remedy: String { "Rename it, or leave it out of the job." }

    /// The path `bytes` is refused for `reason`.
    package static func path(_ bytes: [UInt8], _ reason: String) -> NameError {
        NameError(what: "Cannot use the path \"\(shortened(bytes))\": \(reason)", reason: reason)
    }

    /// The object key `bytes` is refused for `reason`.
    package static func key(_ bytes: [UInt8], _ reason: String) -> NameError {
        NameError(
            what: "Cannot use the object key \"\(shortened(bytes))\": \(reason)",
            reason: reason
        )
    }

    private static func shortened(_ bytes: [UInt8]) -> String {
        bytes.count <= 300
            ? bytes.logSafe : bytes.prefix(200).logSafe + "…" + bytes.suffix(60).logSafe
    }
}
