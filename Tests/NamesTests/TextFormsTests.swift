// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Names
import TestSupport
import Testing

@Suite struct TextFormsTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func base64OfRFC4648(_ plain: String, _ text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(Base64.decode(text) == Array(plain.utf8))
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "====", "=", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm 9",
        "Zg==Zg==",
        "Z=g=", "Zm-_", "Zm9é", "Z\u{301}m9",
    ])
    func base64IsStrict(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func base64IsExactForAnyBytes() {
        var random = SeededGenerator(seed: 3)
        for count in 0..<600 {
            let bytes = random.bytes(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.encode(bytes[...].dropFirst(0)) == Data(bytes).base64EncodedString())
        }
    }

    @Test func hexIsStrictAndExact() {
        let all = (0...255).map { UInt8($0) }
        #expect(Hex.decode(Hex.encode(all)) == all)
        #expect(Hex.encode([0x00, 0xFF, 0x0A]) == "00ff0a")
        for bad in ["0", "0G", "AB", "ab ", "0x00", "é0", "0\u{301}0"] {
            #expect(Hex.decode(bad) == nil)
        }
    }

    private func roundTrip(_ bytes: [UInt8]) throws -> [UInt8] {
        let data = try JSONEncoder().encode([ByteString(bytes)])
        return try #require(JSONDecoder().decode([ByteString].self, from: data).first).bytes
    }

    @Test(
        "B03, B08, B09: odd bytes pass through JSON exactly",
        arguments: [
            [], [0], [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xEF, 0xBB, 0xBF], [0xEF, 0xBB, 0xBF, 0x61], [0xEF, 0xBF, 0xBE], [0xEF, 0xBF, 0xBF],
            [0xF4, 0x8F, 0xBF, 0xBF], [0x7F], [0x0D, 0x0A], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xAE],
            [0x5C], [0x22], [0x2F], [0xEF, 0xBF, 0xBD], [0x61, 0xCC, 0x81], [0xC3, 0xA1],
        ] as [[UInt8]]
    )
    func jsonKeepsBytes(_ bytes: [UInt8]) throws {
        #expect(try roundTrip(bytes) == bytes)
    }

    @Test func jsonKeepsAnyBytes() throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<1_500 {
            let bytes = random.bytes(Int.random(in: 0...40, using: &random))
            #expect(try roundTrip(bytes) == bytes)
        }
        for _ in 0..<1_500 {
            let path = try FilePath([0x2F] + random.fileName())
            let data = try JSONEncoder().encode([path])
            #expect(try JSONDecoder().decode([FilePath].self, from: data) == [path])
        }
        for scalar in stride(from: UInt32(1), through: 0x10FFFF, by: 61) {
            guard let scalar = Unicode.Scalar(scalar) else { continue }
            let bytes = Array(String(scalar).utf8)
            #expect(try roundTrip(bytes) == bytes)
        }
    }

    @Test(arguments: [
        "12", "null", "{}", #"{"base64":1}"#, #"{"base64":"Zg="}"#, "[]", #""\ud800""#, "\"a",
        #"{"base64":"Zh=="}"#,
    ])
    func jsonThatIsNoBytesIsATypedError(_ text: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([ByteString].self, from: Data("[\(text)]".utf8))
        }
    }

    @Test(arguments: [
        #""a""#, #""/a/../b""#, #""""#, #"{"base64":"Lw"}"#, #"{"base64":"Ly4u"}"#, "7",
    ])
    func jsonCannotMakeABadPath(_ text: String) {
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode([FilePath].self, from: Data("[\(text)]".utf8))
        }
    }

    @Test("B02, B08, B09: nothing that forges a line or hides a name is printed")
    func logSafe() {
        #expect("plain é 漢 🙂".logSafe == "plain é 漢 🙂")
        #expect("a\nb\r\tc\u{7F}\u{0}".logSafe == #"a\x0ab\x0d\x09c\x7f\x00"#)
        #expect(
            "\u{202E}\u{2066}\u{200B}\u{FEFF}\u{2028}\u{85}".logSafe
                == #"\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{85}"#
        )
        #expect(
            "\u{3164}\u{115F}\u{FE0F}\u{34F}\u{E0041}".logSafe
                == #"\u{3164}\u{115f}\u{fe0f}\u{34f}\u{e0041}"#
        )
        #expect(#"a\x0a"#.logSafe == #"a\\x0a"#)
        #expect([0x61, 0xFF, 0xC3, 0x61].logSafe == #"a\xff\xc3a"#)
        #expect([0xED, 0xA0, 0x80].logSafe == #"\xed\xa0\x80"#)
        #expect("\u{1B}[31m".logSafe == #"\x1b[31m"#)
    }

    @Test("B12: different bytes are printed as different texts")
    func logSafeIsInjective() {
        var random = SeededGenerator(seed: 5)
        var texts: [[UInt8]: [UInt8]] = [:]
        func check(_ bytes: [UInt8]) {
            let text = Array(bytes.logSafe.utf8)
            #expect(text.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
            let other = texts.updateValue(bytes, forKey: text)
            #expect(other == nil || other == bytes)
        }
        for high in 0...255 {
            check([UInt8(high)])
            for low in 0...255 { check([UInt8(high), UInt8(low)]) }
        }
        for _ in 0..<20_000 { check(random.fileName()) }
        for _ in 0..<5_000 { check(random.bytes(Int.random(in: 1...6, using: &random))) }
    }
}
