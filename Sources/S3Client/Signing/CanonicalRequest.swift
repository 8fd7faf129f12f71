// SPDX-License-Identifier: Apache-2.0

import Digests
import Transport

/// One `name=value` of a query, not encoded yet.
package struct QueryItem: Hashable, Sendable {
    package let name: [UInt8]
    package let value: [UInt8]

    package init(_ name: String, _ value: some Sequence<UInt8>) {
        self.name = Array(name.utf8)
        self.value = Array(value)
    }

    package init(_ name: String, _ value: String = "") { self.init(name, value.utf8) }

    package init(nameBytes: [UInt8], value: [UInt8]) {
        name = nameBytes
        self.value = value
    }
}

/// What a signature says of the body.
package enum PayloadHash: Hashable, Sendable {
    /// The body is not signed; it is guarded by a checksum header that is.
    case unsigned
    /// The SHA-256 of the body.
    case digest(SHA256Digest)

    /// The SHA-256 of no body.
    package static let empty = PayloadHash.digest(SHA256Digest(of: []))

    /// As `x-amz-content-sha256` has it.
    package var text: String {
        switch self {
        case .unsigned: "UNSIGNED-PAYLOAD"
        case .digest(let digest): digest.hex
        }
    }
}

/// A request in the one spelling that both sides hash (AWS Signature Version 4 for S3, "Task 1:
/// Create a canonical request"). The path is neither normalised nor encoded twice, as S3 wants.
package struct CanonicalRequest: Sendable {
    package let text: String
    package let signedNames: String

    /// - Parameters:
    ///   - path: percent-encoded already, beginning with a slash.
    ///   - fields: all that is signed, `host` among them; a name may come several times.
    package init(
        method: String,
        path: String,
        query: [QueryItem],
        fields: [HTTPField],
        payload: PayloadHash
    ) {
        let values = Self.values(of: fields)
        let names = values.keys.sorted { $0.lexicographicallyPrecedes($1) }
        let lines = names.map { name in
            Self.text(name) + ":" + (values[name] ?? []).joined(separator: ",") + "\n"
        }
        signedNames = names.map(Self.text).joined(separator: ";")
        text = [
            method, path, Self.queryText(query), lines.joined(), signedNames, payload.text,
        ]
        .joined(separator: "\n")
    }

    /// The query in canonical order, which is also how it is sent.
    package static func queryText(_ query: [QueryItem]) -> String {
        query.map { item in
            (PercentEncoding.encode(item.name), PercentEncoding.encode(item.value))
        }
        .sorted { a, b in
            a.0 == b.0
                ? a.1.utf8.lexicographicallyPrecedes(b.1.utf8)
                : a.0.utf8.lexicographicallyPrecedes(b.0.utf8)
        }
        .map { $0.0 + "=" + $0.1 }
        .joined(separator: "&")
    }

    /// Values by lower-case name, in the order they are sent, runs of blanks made one.
    private static func values(of fields: [HTTPField]) -> [[UInt8]: [String]] {
        var values: [[UInt8]: [String]] = [:]
        for field in fields {
            let name = field.name.utf8.map(lowerCase)
            let words = field.value.utf8.split { $0 == UInt8(ascii: " ") || $0 == 9 }
            values[name, default: []].append(text(Array(words.joined(separator: [32]))))
        }
        return values
    }

    private static func lowerCase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
