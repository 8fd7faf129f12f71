// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import TestSupport
import Testing

/// F07, F40, F41, F46 and F49: an attempt of a try that is killed at, or refused, each of the calls by
/// which it changes anything, beside one that goes on. Invariants 1, 2 and 5.
@Suite(.serialized, .enabled(if: !TestServer.isOff)) struct WorkerSweepTests {
    /// A blow, and how many points are struck unless all are.
    struct Share: CustomTestStringConvertible, Sendable {
        let blow: Blow
        let points: Int

        var testDescription: String { blow.testDescription }
    }

    static let shares = [
        Share(blow: .killed, points: 50), Share(blow: .noSpace, points: 15),
        Share(blow: .failingDisk, points: 15), Share(blow: .noDescriptor, points: 8),
    ]

    @Test(arguments: shares)
    func anAttemptThatIsStruckLeavesNothingWrong(_ share: Share) async throws {
        let blow = share.blow
        let points = try await Self.points(blow)
        try await blow.sweep(points, of: "worker", share: share.points, least: 0.7) { point in
            try await Self.strike(blow, point)
        }
    }

    /// Begins a second attempt of a running try, strikes it, and lets the first end.
    ///
    /// - Returns: whether the attempt met the point.
    private static func strike(
        _ blow: Blow,
        _ point: Blow.Point
    ) async throws -> Bool {
        var wasMet = false
        try await Lab.run { lab in
            let place = "\(blow.testDescription) at \(point)"
            let (job, head, volume) = try await gated(lab)
            let second = try await attempt(
                lab,
                job,
                volume,
                blow.strace("/dev/stderr", at: point)
            )
            wasMet =
                second.status == 128 + SIGKILL || second.errors.contains("(INJECTED)")
            expectClear(second, place)
            try GalaxyJob.release(volume, "first")
            let ending = try await head.ending()
            #expect(ending.status == 0, "\(place): \(ending.output)\(ending.errors)")
            let text = Shell.text(job.output)
            // The second may have committed before it was struck, or in spite of it.
            #expect(text == "first\n" || text == "second\n", "\(place): \(text)")
            if second.status == 0 {
                #expect(text == "second\n", "\(place): it said that it counts")
            }
            try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
            #expect(Shell.text(job.exitCodeFile) == "0\n", "\(place)")
            #expect(try await lab.keys("/result.json").count == 1, "\(place)")
        }
        return wasMet
    }

    /// What the attempt came to is the result, or something that a new try is made for, in words.
    private static func expectClear(
        _ ending: RunningProgram.Ending,
        _ place: String
    ) {
        if ending.status == 128 + SIGKILL { return }
        let again = [WorkerExit.notStored, .unreachable, .io, .stopped].map(\.rawValue)
        #expect(ending.status == 0 || again.contains(ending.status), "\(place): \(ending.errors)")
        // strace's lines begin with a thread's number.
        let said = ending.errors.split(separator: "\n").filter { $0.first?.isNumber == false }
        #expect(ending.status == 0 || !said.isEmpty, "\(place): it says nothing")
    }

    /// A job whose tool runs and waits, its head, and where the tool is.
    private static func gated(
        _ lab: Lab
    ) async throws -> (job: GalaxyJob, head: RunningProgram, volume: String) {
        let job = try GalaxyJob.gated(lab)
        let head = try lab.start("run", job, ["--json"])
        return (job, head, try await GalaxyJob.waitForTool { lab.volume(of: job) })
    }

    /// Another attempt of the try, in a volume of its own, whose tool does not wait.
    private static func attempt(
        _ lab: Lab,
        _ job: GalaxyJob,
        _ volume: String,
        _ wrapper: [String]
    ) async throws -> RunningProgram.Ending {
        let second = try await HandMadeTry(lab, job)
        let root = volume.split(separator: "/").last ?? ""
        let own = "\(second.folder)/volume/\(root)"
        try Shell.run("mkdir -p \(own)/tmp")
        try GalaxyJob.release(own, "second")
        return try await second.start(through: wrapper).ending()
    }

    private static func points(_ blow: Blow) async throws -> [Blow.Point] {
        var points: [Blow.Point] = []
        try await Lab.run { lab in
            let (job, head, volume) = try await gated(lab)
            let second = try await attempt(lab, job, volume, blow.strace("/dev/stderr"))
            try #require(second.status == 0, "\(second.errors)")
            try GalaxyJob.release(volume, "first")
            try #require(try await head.ending().status == 0)
            #expect(Shell.text(job.output) == "second\n")
            points = blow.points(second.errors)
        }
        return points
    }
}
