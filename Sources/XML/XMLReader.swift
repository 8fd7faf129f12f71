// SPDX-License-Identifier: Apache-2.0

/// Parses one document with libxml2: no network, no DOCTYPE, no entities, UTF-8 only, at most 8 MiB,
/// 256 levels and 200,000 elements (a full page of a bucket's listing has about 10,000).
package enum XMLReader {
    package static let longest = 8 * 1024 * 1024
    static let deepest = 256
    static let mostElements = 200_000

    /// The root element of `bytes`.
    package static func parse(_ bytes: [UInt8]) throws(XMLProblem) -> XMLElement {
        guard !bytes.isEmpty else { throw XMLProblem(.malformed, "it is empty") }
        guard bytes.count <= longest else {
            throw XMLProblem(.tooLarge, "it has \(bytes.count) bytes")
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw XMLProblem(.encoding, "it is in UTF-16")
        }
        if let index = bytes.firstIndex(of: 0) {
            throw XMLProblem(.encoding, "it holds a NUL", line: line(of: index, in: bytes))
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw XMLProblem(.encoding, "it is not UTF-8", line: firstOddLine(bytes))
        }
        for word in ["<!DOCTYPE", "<!ENTITY"] as [StaticString] {
            guard let index = firstIndex(of: word, in: bytes) else { continue }
            throw XMLProblem(
                .documentType,
                "it declares a document type",
                line: line(of: index, in: bytes)
            )
        }
        let document = try XMLDocument(bytes)
        return try document.root()
    }

    private static func firstIndex(
        of word: StaticString,
        in bytes: [UInt8]
    ) -> Int? {
        word.withUTF8Buffer { word in
            var rest = bytes[...]
            while let start = rest.firstIndex(of: word[0]) {
                rest = rest[start...]
                if rest.starts(with: word) { return start }
                rest = rest.dropFirst()
            }
            return nil
        }
    }

    private static func line(
        of index: Int,
        in bytes: [UInt8]
    ) -> Int {
        1 + bytes[..<index].count { $0 == UInt8(ascii: "\n") }
    }

    /// No character of UTF-8 has a line's end inside.
    private static func firstOddLine(_ bytes: [UInt8]) -> Int? {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .firstIndex { String(validating: $0, as: UTF8.self) == nil }
            .map { $0 + 1 }
    }
}
