// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WorkerExec

struct ExitCodeFileTests {
    @Test(arguments: [("0\n", 0), ("3", 3), (" 255 \n", 255), ("007\n", 7), ("1\r\n", 1)])
    func aNumberIsTheCode(_ text: String, _ code: Int) {
        #expect(ExitCodeFile.code(Array(text.utf8)) == code)
    }

    @Test(
        "B61: what is no number from 0 to 255 is no code, and never 0",
        arguments: [
            "", "\n", "256", "-1", "+1", "0x0", "abc", "0 0", "0\n0\n", "1e1", "٠",
            "99999999999999999",
            "\u{0}0",
        ]
    )
    func anythingElseIsNone(_ text: String) {
        #expect(ExitCodeFile.code(Array(text.utf8)) == nil)
    }
}
