// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import TestSupport
import Testing

/// Keys that somebody's tool made.
@Suite struct OddKeyTests {
    static let names: [[UInt8]] =
        [
            " ", "a b", " lead", "trail ", "\t", "a\tb", "a\nb", "a\r\nb", "\r", "e\u{301}",
            "\u{e9}",
            "../\u{301}x", "a/\u{301}b", "-rf", "--flag", "@file", "~", "#", "a#b", "%", "%2F",
            "%00",
            "%25", "+", "a+b", "&", "=", "?", "a?b=c", ";", "*", "[1-2]{a}", "\\", "'", "\"", "`",
            "$(id)", "<x>&amp;", "]]>", "🧬", "\u{202E}rtl", "zero\u{200B}width", "\u{FEFF}bom",
            "Case", "case", "a//b", "/lead", "dir/", "nfs/.nfs0001", "ü/ß/漢字", "\u{7F}",
        ]
        .map { Array($0.utf8) }
        + (UInt8(1)...0x1F).map { [UInt8(ascii: "c"), $0, UInt8(ascii: "c")] }
        + [Array(repeating: UInt8(ascii: "n"), count: 255)]

    @Test(arguments: ContractBackend.available)
    func `every name is carried and listed as it is`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let names = Self.names.filter(backend.carries)
        #expect(names.count > 75)
        let keys = try names.map { try ObjectKey(Array(prefix.utf8) + $0) }
        for (index, key) in keys.enumerated() {
            _ = try await store.put(key, bytes: patterned(index + 1))
        }
        for (index, key) in keys.enumerated() {
            let found = try await store.required(key)
            #expect(found.bytes == patterned(index + 1), "\(key)")
        }
        let listed = try await store.entries(below: Array(prefix.utf8))
        #expect(Set(listed.map(\.key)) == Set(keys))
        #expect(listed.count == keys.count)
        try await store.delete(keys)
        #expect(try await store.entries(below: Array(prefix.utf8)).isEmpty)
    }

    @Test(arguments: ContractBackend.available.filter { $0 != .seaweed })
    func `the longest key`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let filler = Array(
            repeating: UInt8(ascii: "k"),
            count: ObjectKey.longest - prefix.utf8.count
        )
        let key = try ObjectKey(Array(prefix.utf8) + filler)
        _ = try await store.put(key, bytes: [1])
        #expect(try await store.required(key).bytes == [1])
        #expect(throws: NameError.self) { try ObjectKey(key.bytes + [1]) }
    }
}

extension ContractBackend {
    /// Whether the server itself can keep such a name. Between them they keep every one: moto's
    /// routes end at a line feed, and SeaweedFS makes paths of keys.
    fileprivate func carries(_ name: [UInt8]) -> Bool {
        switch self {
        case .memory: return true
        case .moto: return !name.contains(UInt8(ascii: "\n"))
        case .seaweed:
            let segments = name.split(
                separator: UInt8(ascii: "/"),
                omittingEmptySubsequences: false
            )
            return !name.contains(UInt8(ascii: "\\"))
                && segments.allSatisfy { !$0.isEmpty && $0 != [46] && $0 != [46, 46] }
        }
    }
}
