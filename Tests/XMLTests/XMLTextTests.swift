// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import XML

@Suite struct XMLTextTests {
    @Test func `what XML cannot hold is not written into it`() {
        #expect(
            XMLText.escaped(Array("<a>&\"\r\n\t'".utf8)) == "&lt;a&gt;&amp;&quot;&#13;&#10;&#9;'"
        )
        #expect(XMLText.escaped([1]) == nil)
        #expect(XMLText.escaped([0xFF]) == nil)
        #expect(XMLText.escaped(Array("\u{FFFF}".utf8)) == nil)
    }
}
