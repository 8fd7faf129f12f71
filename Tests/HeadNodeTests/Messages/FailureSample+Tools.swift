// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests

@testable import HeadNode

extension FailureSample {
    /// Runs whose attempt was committed, and did not end well.
    static let tools: [FailureSample] = [
        tool("tool-failed", ToolOutcome(end: .ended, exitCode: 3, scriptStatus: 0)),
        tool(
            "tool-left-no-exit-code",
            ToolOutcome(
                end: .noExitCode,
                exitCode: nil,
                scriptStatus: 1,
                detail:
                    "The job script ended with status 1 and left no exit code: the file is not there."
            )
        ),
        tool(
            "tool-could-not-be-started",
            ToolOutcome(
                end: .notStarted,
                exitCode: nil,
                scriptStatus: nil,
                detail: "Cannot start /bin/bash: No such file or directory."
            )
        ),
        tool(
            "tool-out-of-memory",
            ToolOutcome(
                end: .outOfMemory,
                exitCode: nil,
                scriptStatus: 137,
                detail:
                    "The kernel killed 1 of the tool's processes because the container's memory was used up."
            )
        ),
        tool(
            "tool-past-its-walltime",
            ToolOutcome(
                end: .walltime,
                exitCode: nil,
                scriptStatus: 143,
                detail: "The tool was stopped after 3600 seconds, its walltime."
            )
        ),
        tool(
            "tool-lost-an-output",
            ToolOutcome(end: .ended, exitCode: 0, scriptStatus: 0),
            lost: ["The output out_file1 (/galaxy/dataset_7.dat) was removed by the tool"]
        ),
    ]

    private static func tool(
        _ name: String,
        _ outcome: ToolOutcome,
        lost: [String] = []
    ) -> FailureSample {
        FailureSample(name) {
            let report = AttemptReport(
                run: try run(),
                attempt: try AttemptID("0f8fad5b-d9cb-469f-a165-70867728950e-0a1b2c3d"),
                specSHA256: SHA256Digest(of: []),
                worker: "0.1.0",
                tool: outcome,
                files: [],
                directories: [],
                links: [],
                packs: [],
                refused: [],
                lost: lost,
                phases: []
            )
            return .ended(RunEnding(report, adding: []))
        }
    }
}
