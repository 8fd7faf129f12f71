// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WorkerExec

@Suite struct ExitCodeFileTests {
    @Test(arguments: [
        ("0\n", 0), ("3", 3), ("255\n", 255), (" 7 \r\n", 7), ("007", 7), ("\n\n1\n\n", 1),
    ])
    func numbersAreRead(_ text: String, code: Int) {
        #expect(ExitCodeFile.code(Array(text.utf8)) == code)
    }

    @Test(arguments: [
        "", "\n", "256", "-1", "+1", "1 2", "0x1", "1.0", "nonsense", "0000", "1\0", "\u{661}",
        "99999999999999999999",
    ])
    func anythingElseIsNoCode(_ text: String) {
        #expect(ExitCodeFile.code(Array(text.utf8)) == nil)
    }
}
