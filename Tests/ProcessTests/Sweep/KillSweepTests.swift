// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// F01, F06, F07 and F09: the head is killed at, or refused, each of the calls by which it changes
/// anything, and the next head brings the same result, and leaves nothing behind. Invariants 1, 2 and 6.
@Suite(.serialized, .enabled(if: !TestServer.isOff)) struct KillSweepTests {
    /// What is done to which head, and at how many points unless at all.
    struct Share: CustomTestStringConvertible, Sendable {
        let way: CarriedJob.Way
        let blow: Blow
        let points: Int

        var testDescription: String { "\(way), \(blow.testDescription)" }
    }

    static let shares = [
        Share(way: .single, blow: .killed, points: 100),
        Share(way: .split, blow: .killed, points: 30),
        Share(way: .served, blow: .killed, points: 50),
        Share(way: .linked, blow: .killed, points: 30),
        Share(way: .bereft, blow: .killed, points: 30),
        Share(way: .stored, blow: .killed, points: 15),
        Share(way: .pod, blow: .killed, points: 20),
        Share(way: .servedPod, blow: .killed, points: 15),
        Share(way: .single, blow: .noSpace, points: 25),
        Share(way: .linked, blow: .noSpace, points: 10),
        Share(way: .single, blow: .failingDisk, points: 25),
        Share(way: .linked, blow: .failingDisk, points: 10),
        Share(way: .single, blow: .failingClose, points: 15),
        Share(way: .single, blow: .noDescriptor, points: 25),
    ]

    @Test(arguments: shares) func theNextHeadBringsTheSameResult(_ share: Share) async throws {
        try await LaterBucket.run { later in
            let points = try await Self.points(share, later)
            try await share.blow.sweep(points, of: "\(share.way)", share: share.points) { point in
                try await Self.strike(share, point, later)
            }
        }
    }

    /// Has a job carried by a head that is struck, and then by another.
    ///
    /// - Returns: whether the head met the point.
    private static func strike(
        _ share: Share,
        _ point: Blow.Point,
        _ later: LaterBucket
    ) async throws -> Bool {
        var wasMet = false
        try await CarriedJob.run(share.way) { carried in
            let place = "\(share.testDescription) at \(point)"
            let trace = carried.lab.folder + "/strace"
            let first = try await carried.carry(through: share.blow.strace(trace, at: point))
            wasMet = Shell.text(trace).contains("INJECTED") || first.status == 128 + SIGKILL
            #expect(
                !(129..<160).contains(first.status) || first.status == 128 + SIGKILL,
                "\(place): it crashed, status \(first.status): \(first.words)"
            )
            // Throws where there is half a result.
            let isThere = try await carried.isThere()
            if first.isDone { #expect(isThere, "\(place): it said that all is well") }
            let second = try await carried.carry()
            #expect(second.isDone, "\(place): \(second.words)")
            try await carried.expectResult(place, told: first.words)
            if share.blow.isDeadly { try await later.expectNothingLeft(of: carried, place) }
        }
        return wasMet
    }

    private static func points(
        _ share: Share,
        _ later: LaterBucket
    ) async throws -> [Blow.Point] {
        var points: [Blow.Point] = []
        try await CarriedJob.run(share.way) { carried in
            let trace = carried.lab.folder + "/strace"
            let ending = try await carried.carry(through: share.blow.strace(trace))
            try #require(ending.isDone, "\(ending.words)")
            points = share.blow.points(Shell.text(trace))
            try await carried.expectResult("no blow", told: "")
            try await later.expectNothingLeft(of: carried, "no blow")
        }
        return points
    }
}
