// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// F01 and F53: `cancel` is killed at each of the calls by which it changes anything, while the tool runs.
/// Invariants 1, 5 and 6.
@Suite(.serialized, .enabled(if: !TestServer.isOff)) struct CancelSweepTests {
    /// What comes after a `cancel` that was cut off.
    enum Sequel: CaseIterable {
        /// Somebody cancels once more.
        case again
        /// Nobody does, and the tool comes to its end.
        case never
    }

    private static let blow = Blow.killed

    @Test(arguments: Sequel.allCases) func aRunIsCancelledOrIsNot(_ sequel: Sequel) async throws {
        try await LaterBucket.run { later in
            let points = try await Self.points()
            try await Self.blow.sweep(points, of: "cancel, \(sequel)", share: 8, least: 0.7) {
                point in
                try await Self.strike(point, sequel, later)
            }
        }
    }

    /// - Returns: whether `cancel` met the point.
    private static func strike(
        _ point: Blow.Point,
        _ sequel: Sequel,
        _ later: LaterBucket
    ) async throws -> Bool {
        var wasMet = false
        try await Lab.run { lab in
            let place = "\(sequel) at \(point)"
            let (job, head, volume) = try await gated(lab)
            let trace = lab.folder + "/strace"
            let first = try await lab.head("cancel", job, through: blow.strace(trace, at: point))
            wasMet = first.status == 128 + SIGKILL
            #expect(wasMet || first.status == 0, "\(place): \(first.status) \(first.errors)")
            if sequel == .again {
                let second = try await lab.head("cancel", job)
                #expect(second.status == 0, "\(place): \(second.errors)")
                #expect(second.output.contains("is over: cancelled"), "\(place): \(second.output)")
            } else {
                // Where the sandbox is gone already, so is its volume.
                _ = try? GalaxyJob.release(volume, "done")
            }
            let answer = try RunAnswer(try await head.ending())
            let state = answer.ending?.state
            #expect(
                state == "cancelled" || sequel == .never && state == "ok",
                "\(place): \(answer.ending?.message ?? answer.error?.message ?? "")"
            )
            #expect(try lab.processes("galaxy-worker-exec") == [], "\(place)")
            #expect(Shell.text(job.output) == (state == "ok" ? "done\n" : ""), "\(place)")
            if !wasMet { #expect(state == "cancelled", "\(place): it said so") }
            #expect(try Shell.run("ls \(lab.folder)/state/tries") == "", "\(place)")
            #expect(try await lab.keys("/result.json").count == 1, "\(place)")
            try await expectNothingLeft(lab, job, later, place)
        }
        return wasMet
    }

    private static func expectNothingLeft(
        _ lab: Lab,
        _ job: GalaxyJob,
        _ later: LaterBucket,
        _ place: String
    ) async throws {
        // An input that is still there is staged for the next job, if it was not young.
        try Shell.run("rm -rf \(job.directory) \(job.objects); mkdir \(job.objects)")
        let ending = try await later.free(lab)
        #expect(ending.status == 0, "\(place): \(ending.errors)")
        let left = try await lab.keys()
        #expect(left == [], "\(place)")
    }

    private static func gated(
        _ lab: Lab
    ) async throws -> (job: GalaxyJob, head: RunningProgram, volume: String) {
        let job = try GalaxyJob.gated(lab)
        let head = try lab.start("run", job, ["--json"])
        return (job, head, try await GalaxyJob.waitForTool { lab.volume(of: job) })
    }

    private static func points() async throws -> [Blow.Point] {
        var points: [Blow.Point] = []
        try await Lab.run { lab in
            let (job, head, _) = try await gated(lab)
            let trace = lab.folder + "/strace"
            let ending = try await lab.head("cancel", job, through: blow.strace(trace))
            try #require(ending.status == 0, "\(ending.errors)")
            _ = try await head.ending()
            points = blow.points(Shell.text(trace))
        }
        return points
    }
}
