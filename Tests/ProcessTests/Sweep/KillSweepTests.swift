// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// F01, F06, F07 and F09: the head is killed at, or refused, each of the calls by which it changes
/// anything, and the next head brings the same result. Invariants 1, 2 and 6.
@Suite(.enabled(if: !TestServer.isOff)) struct KillSweepTests {
    /// A blow, and how many points are struck unless all are.
    struct Share: CustomTestStringConvertible, Sendable {
        let blow: Blow
        let points: Int

        var testDescription: String { blow.testDescription }
    }

    static let shares = [
        Share(blow: .killed, points: 150), Share(blow: .noSpace, points: 25),
        Share(blow: .failingDisk, points: 25), Share(blow: .noDescriptor, points: 25),
    ]

    @Test(arguments: shares) func theNextHeadBringsTheSameResult(_ share: Share) async throws {
        let blow = share.blow
        let points = try await Self.points(blow)
        try await blow.sweep(points, of: "head", share: share.points) { point in
            try await Self.strike(blow, point)
        }
    }

    /// Runs a job whose head is struck, and lets another end it.
    ///
    /// - Returns: whether the head met the point.
    private static func strike(
        _ blow: Blow,
        _ point: Blow.Point
    ) async throws -> Bool {
        var wasMet = false
        try await Lab.run { lab in
            let job = try Self.job(lab)
            let trace = lab.folder + "/strace"
            let first = try await lab.head(
                "run",
                job,
                ["--json"],
                through: blow.strace(trace, at: point)
            )
            wasMet = Shell.text(trace).contains("INJECTED") || first.status == 128 + SIGKILL
            let place = "\(blow.testDescription) at \(point)"
            #expect(
                !(129..<160).contains(first.status) || first.status == 128 + SIGKILL,
                "\(place): it crashed, status \(first.status): \(first.errors)"
            )
            let before = Shell.text(job.output)
            #expect(before == "" || before == expected, "\(place): half a result: \(before)")
            if first.status == 0 {
                #expect(before == expected, "\(place): it said that all is well")
            }
            let (status, answer) = try await lab.run(job)
            let said = answer.error?.message ?? answer.ending?.message ?? ""
            #expect(status == 0, "\(place): \(said)")
            #expect(Shell.text(job.output) == expected, "\(place)")
            #expect(Shell.text(job.exitCodeFile) == "0\n", "\(place)")
            let left = try Shell.run(
                "find \(job.folder)/galaxy -name '.galaxy_s3.*'; ls \(lab.folder)/state/tries"
            )
            // A try that cannot be removed is told, and is no reason to fail.
            let untold = left.split(separator: "\n").filter { !first.output.contains($0) }
            #expect(untold == [], "\(place): temporary files and tries are removed")
            try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
        }
        return wasMet
    }

    private static let expected = "done\n"

    private static func job(_ lab: Lab) throws -> GalaxyJob {
        let tool = #"cp "$IN1" copy; echo live; echo done > "$OUT""#
        return try GalaxyJob(folder: lab.folder, tool: tool)
    }

    private static func points(_ blow: Blow) async throws -> [Blow.Point] {
        var points: [Blow.Point] = []
        try await Lab.run { lab in
            let job = try Self.job(lab)
            let trace = lab.folder + "/strace"
            let ending = try await lab.head("run", job, ["--json"], through: blow.strace(trace))
            try #require(ending.status == 0, "\(ending.errors)")
            points = blow.points(Shell.text(trace))
        }
        return points
    }
}
