// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What `doctor` finds out of a cluster before the first job does.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct FakeClusterDoctorTests {
    private func doctor(_ fake: FakeCluster) async throws -> RunningProgram.Ending {
        try await RunningProgram(
            [fake.lab.programs.headNode, "doctor"] + fake.lab.settings + fake.options,
            environment: fake.lab.environment,
            streams: "\(fake.lab.folder)/streams/doctor"
        )
        .ending()
    }

    @Test func aNamespaceThatDoesNotExistIsFound() async throws {
        try await FakeCluster.run(["--namespace", "another"]) { fake in
            let ending = try await doctor(fake)
            #expect(ending.status == 1)
            let line = ending.output.split(separator: "\n").first { $0.contains("cluster jobs") }
            #expect(line?.contains("FAIL") == true, "\(ending.output)")
            #expect(line?.contains("galaxy") == true, "\(ending.output)")
        }
    }

    @Test func aRehearsalLeavesNothing() async throws {
        try await FakeCluster.run { fake in
            let ending = try await doctor(fake)
            #expect(ending.output.contains("namespace galaxy would take one"), "\(ending.output)")
            #expect(try fake.counts().jobs == 0)
        }
    }
}
