// SPDX-License-Identifier: Apache-2.0

import Contract
import Testing

@testable import HeadNode

struct SummaryTableTests {
    private func ending(
        _ state: RunEnding.State,
        _ message: String = "",
        refused: [String] = []
    ) -> RunEnding {
        RunEnding(
            state: state,
            exitCode: nil,
            message: message,
            phases: [],
            refused: refused,
            cpuSeconds: 0,
            peakResidentBytes: 0
        )
    }

    @Test func phasesStandInColumns() throws {
        let phases = [
            PhaseReport(
                name: "stage",
                seconds: 0.0521,
                bytes: 18_944,
                files: 8,
                packed: 8,
                requests: 9
            ),
            PhaseReport(name: "fetch", seconds: 1, files: 8, cachedFiles: 5, cachedBytes: 9),
            PhaseReport(name: "tool", seconds: 12.5),
        ]
        var done = ending(.ok, refused: ["/a was left behind: it is a FIFO"])
        done.cpuSeconds = 2.5
        done.peakResidentBytes = 46_137_344
        let run = try RunID("1-0123456789abcdef")
        #expect(
            SummaryTable(run, done, phases, ["stage": 13]).text == """
                phase  seconds     bytes  files  packed  there already  requests  retries
                stage    0.052  18.5 KiB      8       8             13         9        0
                fetch    1.000       0 B      8       0              5         0        0
                tool    12.500       0 B      0       0              0         0        0
                The tool used 2.50 CPU seconds and at most 44.0 MiB of memory in one process.
                Note: /a was left behind: it is a FIFO.
                Run 1-0123456789abcdef is done: the tool ended with exit code 0.
                """
        )
    }

    @Test func everyEndingSaysWhatItIs() throws {
        let run = try RunID("1-0123456789abcdef")
        func text(_ ending: RunEnding) -> String { SummaryTable(run, ending, [], [:]).text }
        #expect(
            text(ending(.toolFailed, "The tool ended with exit code 3.")) == """
                Run 1-0123456789abcdef is done, but the tool failed. The tool ended with exit code 3.
                """
        )
        #expect(
            text(ending(.cancelled))
                == "Run 1-0123456789abcdef was cancelled. Nothing of it was brought back."
        )
        #expect(
            text(ending(.walltime, "The tool was stopped after 5 seconds, its walltime.")) == """
                Run 1-0123456789abcdef failed (walltime_reached). The tool was stopped after 5 \
                seconds, its walltime.
                """
        )
    }
}
