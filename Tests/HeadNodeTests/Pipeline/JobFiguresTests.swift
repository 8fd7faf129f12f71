// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Testing

@testable import HeadNode

@Suite struct JobFiguresTests {
    private func state(
        tries: Int,
        stage: PhaseReport? = nil
    ) throws -> RunState {
        var state = RunState(
            run: try RunID("1-0123456789abcdef"),
            descriptionSHA256: SHA256Digest(of: []),
            place: RunPlace(try ScriptedWork.settings.get())
        )
        state.stage = stage
        state.tries = (0..<tries).map { RunState.Try(number: $0 + 1) }
        return state
    }

    private func text(
        _ state: RunState,
        _ ending: RunEnding
    ) throws -> String {
        String(decoding: try ContractCoding.encode(JobFigures(state, ending)), as: UTF8.self)
    }

    @Test func aRunThatWasReportedOnHasThemAll() throws {
        let state = try state(
            tries: 2,
            stage: PhaseReport(name: "stage", seconds: 0.12349, bytes: 5, files: 1)
        )
        let ending = RunEnding(
            state: .ok,
            exitCode: 0,
            message: "",
            phases: [
                PhaseReport(name: "fetch", seconds: 1, bytes: 6, cachedBytes: 8),
                PhaseReport(name: "tool", seconds: 2.5),
                PhaseReport(name: "push", seconds: .nan, bytes: 7),
                PhaseReport(name: "collect", seconds: 0.25, bytes: 7),
            ],
            refused: [],
            cpuSeconds: 1.75,
            peakResidentBytes: 1024
        )
        #expect(
            try text(state, ending)
                == #"{"collect_seconds":0.25,"cpu_seconds":1.75,"fetch_bytes":6,"#
                + #""fetch_cached_bytes":8,"fetch_seconds":1,"#
                + #""peak_memory_bytes":1024,"push_bytes":7,"push_seconds":0,"stage_bytes":5,"#
                + #""stage_seconds":0.123,"tool_seconds":2.5,"tries":2}"#
        )
    }

    @Test func whatNobodyMeasuredIsNotThere() throws {
        #expect(try text(try state(tries: 1), RunEnding(.failed, "x")) == #"{"tries":1}"#)
    }
}
