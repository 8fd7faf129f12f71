// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WorkerExec

@Suite struct MemoryEventsTests {
    @Test(arguments: [
        ("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n", 2),
        ("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n", 7),
        ("oom_kill 0", 0),
    ])
    func killsAreCounted(_ text: String, kills: Int) {
        #expect(MemoryEvents.kills(in: Array(text.utf8)) == kills)
    }

    @Test(arguments: ["", "oom 3\n", "oom_kill\n", "oom_kill x\n", "xoom_kill 1\n"])
    func whatIsNotSaidIsNotKnown(_ text: String) {
        #expect(MemoryEvents.kills(in: Array(text.utf8)) == nil)
    }
}
