// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// F01, F06, F07 and F09: the head is killed at, or refused, each of the calls by which it changes
/// anything, and the next head brings the same result. Invariants 1, 2 and 6.
@Suite(.enabled(if: !TestServer.isOff)) struct KillSweepTests {
    /// One call among those that a head makes: the nth of this name in one of its threads.
    struct Point: CustomStringConvertible {
        let call: String
        let number: Int

        var description: String { "\(call) \(number)" }
    }

    /// What is done at a point, in strace's words, and at which calls.
    struct Blow: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let words: String
        let calls: Set<String>
        /// How many points are tried, spread evenly, unless all are.
        let share: Int
    }

    private static let changes: Set<String> = [
        "write", "writev", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate", "rename",
        "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "link", "linkat",
        "symlinkat", "fchmod", "fchmodat", "utimensat", "sendto", "sendmsg", "clone", "clone3",
    ]

    static let blows = [
        Blow(testDescription: "killed", words: "signal=SIGKILL", calls: changes, share: 150),
        Blow(
            testDescription: "no space",
            words: "error=ENOSPC",
            calls: ["write", "writev", "pwrite64", "fsync", "ftruncate", "fallocate", "mkdirat"],
            share: 25
        ),
        Blow(
            testDescription: "a disk that fails",
            words: "error=EIO",
            calls: ["write", "writev", "pwrite64", "fsync", "fdatasync", "renameat2", "renameat"],
            share: 25
        ),
        Blow(
            testDescription: "no descriptor left",
            words: "error=EMFILE",
            // Not openat and epoll_create1, which libdispatch and Swift's runtime cannot do without.
            calls: ["openat2", "socket", "accept4", "pipe2", "dup3"],
            share: 25
        ),
    ]

    @Test(arguments: blows) func theNextHeadBringsTheSameResult(_ blow: Blow) async throws {
        let points = try await Self.points(blow)
        try #require(points.count >= blow.share || Lab.isFull, "\(points.count)")
        let count = Lab.isFull ? points.count : blow.share
        let indices = (0..<count).map { $0 * points.count / count }
        // Threads do not share their work in the same way each time, so some points are not met: then
        // others are tried. Over all blows that makes 200 and more.
        let others = Set(points.indices).subtracting(indices).sorted()
        let order = (indices + others).map { points[$0] }
        let least = Lab.isFull ? count / 2 : (count * 9 + 9) / 10
        let (tried, struck) = (Counter(), Counter())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    while true {
                        let number = tried.next()
                        guard number <= order.count, number <= count || struck.value < least else {
                            return
                        }
                        let point = order[number - 1]
                        do {
                            if try await Self.strike(blow, point) { _ = struck.next() }
                        } catch {
                            Issue.record(error, "\(blow.testDescription) at \(point)")
                        }
                    }
                }
            }
        }
        let words = "\(blow.testDescription): \(struck.value) struck, \(least) wanted of \(count)\n"
        _ = words.withCString { write(STDERR_FILENO, $0, strlen($0)) }
        #expect(struck.value >= least, "\(words)")
    }

    /// F40, F41 and F46: attempts of a try that are killed anywhere, beside one that goes on.
    @Test func aWorkerKilledAnywhereLeavesNothingWrong() async throws {
        let killed = Self.blows[0]
        let points = try await Self.workerPoints(killed)
        try #require(points.count >= 50, "\(points.count)")
        let count = min(points.count, Lab.isFull ? 400 : 50)
        let chosen = (0..<count).map { points[$0 * points.count / count] }
        let struck = Counter()
        await withTaskGroup(of: Void.self) { group in
            for lane in 0..<2 {
                group.addTask {
                    for index in stride(from: lane, to: chosen.count, by: 2) {
                        do {
                            if try await Self.strikeWorker(killed, chosen[index]) {
                                _ = struck.next()
                            }
                        } catch { Issue.record(error, "the worker at \(chosen[index])") }
                    }
                }
            }
        }
        #expect(struck.value * 2 >= chosen.count, "\(struck.value) of \(chosen.count)")
    }

    /// Begins a second attempt of a running try, strikes it, and lets the first end.
    ///
    /// - Returns: whether the attempt met the point.
    private static func strikeWorker(
        _ blow: Blow,
        _ point: Point
    ) async throws -> Bool {
        var wasMet = false
        try await Lab.run { lab in
            let (job, head, volume) = try await gated(lab)
            let inject = "inject=\(point.call):\(blow.words):when=\(point.number)"
            let words = strace("/dev/null", point.call) + ["-e", inject]
            let second = try await attempt(lab, job, volume, words)
            wasMet = second.status != 0
            try GalaxyJob.release(volume, "first")
            let ending = try await head.ending()
            #expect(ending.status == 0, "at \(point): \(ending.output)\(ending.errors)")
            let text = Shell.text(job.output)
            // The second may have committed before it died.
            #expect(text == "first\n" || text == "second\n", "at \(point): \(text)")
            try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
            #expect(Shell.text(job.exitCodeFile) == "0\n", "at \(point)")
            #expect(try await lab.keys("/result.json").count == 1)
        }
        return wasMet
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

    private static func workerPoints(_ blow: Blow) async throws -> [Point] {
        var points: [Point] = []
        try await Lab.run { lab in
            let (job, head, volume) = try await gated(lab)
            let calls = blow.calls.sorted().joined(separator: ",")
            let second = try await attempt(lab, job, volume, strace("/dev/stderr", calls))
            try #require(second.status == 0, "\(second.errors)")
            try GalaxyJob.release(volume, "first")
            try #require(try await head.ending().status == 0)
            #expect(Shell.text(job.output) == "second\n")
            points = Self.points(second.errors, blow)
        }
        return points
    }

    /// Runs a job whose head is struck, and lets another end it.
    ///
    /// - Returns: whether the head met the point.
    private static func strike(
        _ blow: Blow,
        _ point: Point
    ) async throws -> Bool {
        var wasMet = false
        try await Lab.run { lab in
            let job = try Self.job(lab)
            let trace = lab.folder + "/strace"
            let inject = "inject=\(point.call):\(blow.words):when=\(point.number)"
            let first = try await lab.head(
                "run",
                job,
                ["--json"],
                through: strace(trace, point.call) + ["-e", inject]
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

    /// Follows the head's threads, and lets go of what it starts.
    private static func strace(
        _ file: String,
        _ calls: String
    ) -> [String] {
        ["strace", "-f", "-b", "execve", "-qq", "-o", file, "-e", "trace=\(calls)"]
    }

    private static func points(_ blow: Blow) async throws -> [Point] {
        var points: [Point] = []
        try await Lab.run { lab in
            let job = try Self.job(lab)
            let trace = lab.folder + "/strace"
            let calls = blow.calls.sorted().joined(separator: ",")
            let ending = try await lab.head("run", job, ["--json"], through: strace(trace, calls))
            try #require(ending.status == 0, "\(ending.errors)")
            points = Self.points(Shell.text(trace), blow)
        }
        return points
    }

    /// All points of a run, in no thread more than there were calls.
    private static func points(
        _ trace: String,
        _ blow: Blow
    ) -> [Point] {
        var counts: [Substring: [String: Int]] = [:]
        for line in trace.split(separator: "\n") {
            // "7     fsync(3) = 0"
            let words = line.split(separator: " ")
            guard words.count > 1,
                let name = words[1].split(separator: "(").first.map(String.init),
                blow.calls.contains(name)
            else { continue }
            counts[words[0], default: [:]][name, default: 0] += 1
        }
        var most: [String: Int] = [:]
        for thread in counts.values { most.merge(thread, uniquingKeysWith: max) }
        return most.sorted { $0.key < $1.key }
            .flatMap { name, count in (1...count).map { Point(call: name, number: $0) } }
    }
}
