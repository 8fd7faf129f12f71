// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What a server says, made fit for a message.
enum PodText {
    /// In bytes.
    private static let longest = 600

    /// One line without the sentence's end, safe to print; empty for nothing.
    static func trimmed(_ text: String?) -> String {
        guard let text else { return "" }
        let blanks: Set<UInt8> = [0x09, 0x0A, 0x0D, 0x20]
        var bytes = Array(
            text.utf8.split(whereSeparator: { blanks.contains($0) }).joined(separator: [0x20])
        )
        while bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        guard bytes.count > longest else { return bytes.logSafe }
        return bytes.prefix(longest).logSafe + "…"
    }

    /// The line after a separator, or nothing.
    static func after(
        _ separator: String,
        _ text: String?
    ) -> String {
        let line = trimmed(text)
        return line.isEmpty ? "" : separator + line
    }
}
