// SPDX-License-Identifier: Apache-2.0

/// Text of a command, an argument or a variable. The kubelet replaces `$(NAME)` in it, and reads
/// `$$` as `$` (Kubernetes, third_party/forked/golang/expansion).
package struct ExpandableText: Encodable, Hashable, Sendable {
    /// As it stands in the manifest.
    package let text: String

    private init(text: String) { self.text = text }

    /// Data: whatever `value` holds, the container sees just that.
    package static func literal(_ value: String) -> ExpandableText {
        let dollar = UInt8(ascii: "$")
        var bytes: [UInt8] = []
        for byte in value.utf8 {
            bytes.append(byte)
            // A dollar is read as itself when it is doubled, whatever follows.
            if byte == dollar { bytes.append(dollar) }
        }
        return ExpandableText(text: String(decoding: bytes, as: UTF8.self))
    }

    /// What the container's variable `name` holds.
    package static func variable(_ name: String) -> ExpandableText {
        ExpandableText(text: "$(\(name))")
    }

    /// As an administrator wrote it, in Kubernetes' own syntax.
    package static func asWritten(_ text: String) -> ExpandableText { ExpandableText(text: text) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
