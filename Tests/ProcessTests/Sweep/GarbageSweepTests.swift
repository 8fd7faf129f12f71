// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names
import S3Client
import TestSupport
import Testing

/// F01: `gc --delete` is killed at each of the calls by which it changes anything. What a job needs is there
/// afterwards, and after the next `gc` nothing else is. Invariant 6.
@Suite(.serialized, .enabled(if: !TestServer.isOff)) struct GarbageSweepTests {
    /// A bucket with what one run needs, and what another has left over.
    private struct Heap {
        let store: FaultyStore
        let job: GalaxyJob
        /// What is needed.
        let needed: Set<String>

        var lab: Lab { store.lab }

        init(_ store: FaultyStore) async throws {
            self.store = store
            let lab = store.lab
            job = try await Self.run(lab, 1)
            // As Galaxy leaves a run that it has not taken in yet.
            try Shell.run("rm \(job.directory)/galaxy_s3/forgotten")
            needed = Set(try await lab.keys())
            // Galaxy has removed the other job, and its large input; both have the small one.
            let other = try await Self.run(lab, 2)
            try Shell.run("rm -rf \(other.directory) \(other.largeInput)")
            let key = try ObjectKey("\(lab.prefix)/stage/\(String(repeating: "0", count: 64))/cut")
            _ = try await lab.store.createMultipart(key, options: PutOptions())
            try store.rules("[\(LaterBucket.lock(dated: "+3 days"))]")
        }

        private static func run(_ lab: Lab, _ number: Int) async throws -> GalaxyJob {
            let job = try GalaxyJob(
                id: "\(number)",
                folder: "\(lab.folder)/job-\(number)",
                tool: #"cp "$IN1" copy; cat "$IN1" > "$OUT""#
            )
            let (status, answer) = try await lab.run(job)
            try #require(status == 0, "\(answer.error?.message ?? "")")
            return job
        }

        /// Lets the lock of one that was killed be two days old, if there is one.
        func age() async throws {
            guard try await !lab.keys("/gc/").isEmpty else { return }
            let rules = [
                try LaterBucket.lock(dated: "-2 days", #", "times": 1"#),
                try LaterBucket.lock(dated: "+3 days"),
            ]
            try store.rules("[\(rules.joined(separator: ","))]")
        }

        /// Every needed object is there, and the job's results can be had once more.
        func expectNeeded(_ place: String) async throws {
            let missing = needed.subtracting(try await lab.keys())
            #expect(missing == [], "\(place)")
            try Shell.run(": > \(job.output); rm \(job.working)/copy")
            let again = try await lab.head("collect", job)
            #expect(again.status == 0, "\(place): \(again.errors)")
            try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
            try Shell.run("cmp \(job.largeInput) \(job.output)")
        }

        func expectNothingElse(_ place: String) async throws {
            #expect(Set(try await lab.keys()) == needed, "\(place)")
            let uploads = try await lab.store.openUploads(below: Array("\(lab.prefix)/".utf8))
            #expect(uploads.map(\.key.description) == [], "\(place)")
        }
    }

    @Test func whatIsNeededStaysAndTheRestGoes() async throws {
        let blow = Blow.killed
        var points: [Blow.Point] = []
        try await FaultyStore.run { store in
            let heap = try await Heap(store)
            let trace = heap.lab.folder + "/strace"
            let ending = try await heap.lab.free(through: blow.strace(trace))
            try #require(ending.status == 0, "\(ending.errors)")
            try await heap.expectNothingElse("no blow")
            points = blow.points(Shell.text(trace))
        }
        try await blow.sweep(points, of: "gc", share: 15) { try await Self.strike(blow, $0) }
    }

    /// - Returns: whether `gc` met the point.
    private static func strike(
        _ blow: Blow,
        _ point: Blow.Point
    ) async throws -> Bool {
        var wasMet = false
        try await FaultyStore.run { store in
            let heap = try await Heap(store)
            let trace = heap.lab.folder + "/strace"
            let first = try await heap.lab.free(through: blow.strace(trace, at: point))
            wasMet = first.status == 128 + SIGKILL
            #expect(wasMet || first.status == 0, "gc at \(point): \(first.status) \(first.errors)")
            try await heap.expectNeeded("gc at \(point)")
            if wasMet, try await !heap.lab.keys("/gc/").isEmpty {
                let early = try await heap.lab.free()
                #expect(early.status == 75, "gc at \(point): the lock of one that may live")
            }
            try await heap.age()
            let second = try await heap.lab.free()
            #expect(second.status == 0, "gc at \(point), once more: \(second.errors)")
            try await heap.expectNeeded("gc at \(point), once more")
            try await heap.expectNothingElse("gc at \(point), once more")
        }
        return wasMet
    }
}
