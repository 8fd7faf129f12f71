// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WorkerExec

struct MemoryEventsTests {
    @Test func bothVersionsOfCgroupsAreRead() {
        let second = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"
        #expect(MemoryEvents.kills(in: second.utf8) == 2)
        let first = "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"
        #expect(MemoryEvents.kills(in: first.utf8) == 7)
    }

    @Test func whatIsNotThereIsNotNought() {
        #expect(MemoryEvents.kills(in: "under_oom 0\noom_kill x\n".utf8) == nil)
        #expect(MemoryEvents.kills(in: "".utf8) == nil)
    }
}
