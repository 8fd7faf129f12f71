// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import XML

@Suite struct XMLReaderTests {
    private func parse(_ text: String) throws(XMLProblem) -> XMLElement {
        try XMLReader.parse(Array(text.utf8))
    }

    private func reason(_ bytes: [UInt8]) -> String? {
        do throws(XMLProblem) {
            _ = try XMLReader.parse(bytes)
            return nil
        } catch { return error.reason }
    }

    @Test(arguments: [
        "<A><B>x &amp; y</B></A>", "<s:A xmlns:s='urn:x'><s:B>x &amp; y</s:B></s:A>",
        "<A xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><B>x &amp; y</B></A>",
        "<?xml version='1.0' encoding='UTF-8'?>\r\n<A>\r\n <B><![CDATA[x & ]]>y</B></A>\n",
        "\u{FEFF}<A><B>x <!-- no -->&#38;<?pi?> y</B><C/></A>",
        "<A Z='1'><B q='2'>x &#x26; y</B></A>",
    ])
    func `spellings of one document`(text: String) throws {
        let root = try parse(text)
        #expect(root.isCalled("A"))
        #expect(root.string("B") == "x & y")
        #expect(root.child("D") == nil)
    }

    @Test func `names are compared by byte`() throws {
        // U+212A, the Kelvin sign, equals K for Swift's String.
        let root = try parse("<A><\u{212A}ey>x</\u{212A}ey></A>")
        #expect(root.child("Key") == nil)
    }

    static let billionLaughs = """
        <!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\
        <A><B>&b;&b;&b;</B></A>
        """

    @Test(arguments: [
        ("", "empty"), ("   ", "well-formed"), ("<A>", "well-formed"),
        ("<A><B></A></B>", "well-formed"),
        ("<A/><B/>", "well-formed"), ("{\"a\":1}", "well-formed"), ("<A>\u{1}</A>", "well-formed"),
        ("<A>&b;</A>", ""), (billionLaughs, "document type"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a>&x;</a>", "document type"),
        (
            "<?xml version='1.0'?><!DOCTYPE A [<!ENTITY x SYSTEM 'http://127.0.0.1/'>]><A>&x;</A>",
            "document type"
        ),
        ("<A>\u{0}</A>", "NUL"),
    ])
    func `what is refused, and why`(text: String, why: String) throws {
        let found = try #require(reason(Array(text.utf8)))
        #expect(why.isEmpty || found.contains(why))
    }

    @Test func `elements know their line, and have their attributes`() throws {
        let root = try parse(
            "<?xml version='1.0'?>\n<a>\n <b id='x &amp; &#233;' empty=''>t</b>\n <c\n  d='1'/>\n</a>"
        )
        #expect(root.line == 2)
        let b = try #require(root.child("b"))
        #expect(b.line == 3)
        #expect(b.attribute("id") == "x & \u{E9}")
        #expect(b.attribute("empty") == "")
        #expect(b.attribute("ID") == nil)
        #expect(root.child("c")?.line == 5)
        let far = try parse("<a>" + String(repeating: "\n", count: 70_000) + "<b>x</b></a>")
        #expect(far.child("b")?.line == 70_001)
    }

    @Test(arguments: [
        ("<A>\n<B>\n</A></B>", 3), ("<A>\n\n", 3), ("<A>\n&b;</A>", 2), ("\n<A/>\n<B/>", 3),
        ("<A>\n<!DOCTYPE A></A>", 2), ("<A>\n\u{0}</A>", 2), ("<A\n b='1' b='2'/>", 2),
    ])
    func `a problem has its line`(text: String, line: Int) throws {
        let problem = try #require(throws: XMLProblem.self) { try parse(text) }
        #expect(problem.line == line, "\(problem)")
    }

    @Test func `other encodings are refused`() {
        let text = "<A>x</A>"
        let little = text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        let big = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        #expect(reason([0xFF, 0xFE] + little) == "it is in UTF-16")
        #expect(reason([0xFE, 0xFF] + big) == "it is in UTF-16")
        #expect(reason(little) == "it holds a NUL")
        let latin = Array("<?xml version='1.0' encoding='ISO-8859-1'?>\n<A>".utf8) + [0xE9]
        let problem = #expect(throws: XMLProblem.self) {
            try XMLReader.parse(latin + Array("</A>".utf8))
        }
        #expect(problem.map { "\($0)" } == "it is not UTF-8, at line 2")
    }

    @Test func `limits`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(
                (String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth))
                    .utf8
            )
        }
        #expect(reason(nested(200)) == nil)
        #expect(reason(nested(257)) != nil)
        #expect(reason(nested(10_000)) != nil)
        let many = "<a>" + String(repeating: "<b/>", count: XMLReader.mostElements) + "</a>"
        #expect(reason(Array(many.utf8)) == "it has too many elements")
        let long = Array(repeating: UInt8(ascii: " "), count: XMLReader.longest + 1)
        #expect(reason(long)?.contains("bytes") == true)
    }

    @Test func `any bytes give a document or a reason`() {
        var generator = SeededGenerator(seed: 11)
        let seed = Array(
            "<?xml version='1.0'?><A xmlns='u'><B>x&amp;y&#65;</B><![CDATA[z]]><!--c--></A>".utf8
        )
        var parsed = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default:
                    bytes.insert(
                        bytes[Int.random(in: 0..<bytes.count, using: &generator)],
                        at: index
                    )
                }
            }
            if reason(bytes) == nil { parsed += 1 }
        }
        #expect(parsed > 0 && parsed < 20_000)
    }
}
