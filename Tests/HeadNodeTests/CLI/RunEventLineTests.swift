// SPDX-License-Identifier: Apache-2.0

import Contract
import S3Client
import Staging
import Testing

@testable import HeadNode

@Suite struct RunEventLineTests {
    @Test func theEndIsSpelledTheSameForEver() throws {
        let phase = PhaseReport(name: "push", seconds: 1.5, bytes: 24, files: 2, packed: 1)
        let ending = RunEnding(
            state: .toolFailed,
            exitCode: 3,
            message: "The tool ended with exit code 3.",
            phases: [phase],
            refused: ["/x was left behind"],
            cpuSeconds: 2.25,
            peakResidentBytes: 4_096
        )
        let line = try RunEventLine(.ended(try RunID("42-0123456789abcdef"), ending)).line()
        #expect(
            line == """
                {"ending":{"cpu_seconds":2.25,"exit_code":3,\
                "message":"The tool ended with exit code 3.","peak_resident_bytes":4096,\
                "phases":[{"bytes":24,"files":2,"name":"push","packed":1,"requests":0,"retries":0,\
                "seconds":1.5}],"refused":["/x was left behind"],"state":"tool_failed"},\
                "event":"ended","run":"42-0123456789abcdef"}
                """
        )
    }

    @Test func troubleWithTheBucketIsSaidNowAndThen() {
        let watch = StoreWatch()
        func event(_ attempt: Int) -> StoreEvent {
            .retrying(what: "Cannot put k", attempt: attempt, pause: .seconds(1), why: "no route")
        }
        #expect(watch.word(on: event(1), now: 0) == nil)
        #expect(watch.word(on: event(3), now: 1)?.hasPrefix("Cannot put k: no route.") == true)
        #expect(watch.word(on: event(4), now: 10.9) == nil)
        #expect(watch.word(on: event(5), now: 11) != nil)
        #expect(watch.word(on: .credentialsReloaded, now: 99) == nil)
    }
}
