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
        var lines: [UInt8] = []
        var names: [String] = []
        for field in Self.normal(fields) {
            if let last = names.last, last.utf8.elementsEqual(field.name.utf8) {
                lines[lines.endIndex - 1] = UInt8(ascii: ",")
            } else {
                names.append(field.name)
                lines += field.name.utf8
                lines.append(UInt8(ascii: ":"))
            }
            lines += field.value.utf8
            lines.append(UInt8(ascii: "\n"))
        }
        signedNames = names.joined(separator: ";")
        text = [
            method, path, Self.queryText(query), Self.text(lines), signedNames, payload.text,
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

    /// The fields in the order of their names, which are in lower case; those with one name in the
    /// order they are sent. Runs of blanks are one.
    private static func normal(_ fields: [HTTPField]) -> [HTTPField] {
        fields.enumerated()
            .map { index, field in (index, HTTPField(lowerCase(field.name), trimmed(field.value))) }
            .sorted { a, b in
                if a.1.name.utf8.lexicographicallyPrecedes(b.1.name.utf8) { return true }
                return a.0 < b.0 && a.1.name.utf8.elementsEqual(b.1.name.utf8)
            }
            .map(\.1)
    }

    private static func lowerCase(_ name: String) -> String {
        guard name.utf8.contains(where: isCapital) else { return name }
        return text(name.utf8.map { isCapital($0) ? $0 | 0x20 : $0 })
    }

    private static func isCapital(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func trimmed(_ value: String) -> String {
        guard value.utf8.contains(where: isBlank) else { return value }
        return text(Array(value.utf8.split(whereSeparator: isBlank).joined(separator: [32])))
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == 9 }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
