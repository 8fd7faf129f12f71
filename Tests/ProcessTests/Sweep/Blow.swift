// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What is done to a program at one of its calls, in strace's words, and at which calls.
struct Blow: CustomTestStringConvertible, Sendable {
    /// One call among those that a program makes: the nth of this name in one of its threads.
    struct Point: CustomStringConvertible {
        let call: String
        let number: Int

        var description: String { "\(call) \(number)" }
    }

    let testDescription: String
    let words: String
    let calls: Set<String>

    /// Whether it ends the program.
    var isDeadly: Bool { words == Self.killed.words }

    /// The calls by which a program changes anything.
    private static let changes: Set<String> = [
        "write", "writev", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate", "rename",
        "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "link", "linkat",
        "symlinkat", "fchmod", "fchmodat", "utimensat", "sendto", "sendmsg", "clone", "clone3",
    ]

    static let killed = Blow(
        testDescription: "killed",
        words: "signal=SIGKILL",
        calls: changes
    )
    static let noSpace = Blow(
        testDescription: "no space",
        words: "error=ENOSPC",
        calls: [
            "write", "writev", "pwrite64", "fsync", "ftruncate", "fallocate", "mkdirat",
            "symlinkat", "linkat",
        ]
    )
    static let failingDisk = Blow(
        testDescription: "a disk that fails",
        words: "error=EIO",
        calls: ["write", "writev", "pwrite64", "fsync", "fdatasync", "renameat2", "renameat"]
    )
    /// The file stays open then, which no program can help.
    static let failingClose = Blow(
        testDescription: "an error at close",
        words: "error=EIO",
        calls: ["close"]
    )
    static let noDescriptor = Blow(
        testDescription: "no descriptor left",
        words: "error=EMFILE",
        // Not openat and epoll_create1, which libdispatch and Swift's runtime cannot do without.
        calls: ["openat2", "socket", "accept4", "pipe2", "dup3"]
    )

    /// What strikes at a point: follows a program's threads, and lets go of what it starts.
    func strace(
        _ file: String,
        at point: Point
    ) -> [String] {
        Self.strace(file, point.call)
            + ["-e", "inject=\(point.call):\(words):when=\(point.number)"]
    }

    /// The same, striking nowhere: for `points`.
    func strace(_ file: String) -> [String] {
        Self.strace(file, calls.sorted().joined(separator: ","))
    }

    private static func strace(
        _ file: String,
        _ calls: String
    ) -> [String] {
        ["strace", "-f", "-b", "execve", "-qq", "-o", file, "-e", "trace=\(calls)"]
    }

    /// All points of a run, in no thread more than there were calls.
    func points(_ trace: String) -> [Point] {
        var counts: [Substring: [String: Int]] = [:]
        for line in trace.split(separator: "\n") {
            // "7     fsync(3) = 0"
            let words = line.split(separator: " ")
            guard words.count > 1,
                let name = words[1].split(separator: "(").first.map(String.init),
                calls.contains(name)
            else { continue }
            counts[words[0], default: [:]][name, default: 0] += 1
        }
        var most: [String: Int] = [:]
        for thread in counts.values { most.merge(thread, uniquingKeysWith: max) }
        return most.sorted { $0.key < $1.key }
            .flatMap { name, count in (1...count).map { Point(call: name, number: $0) } }
    }

    /// Strikes at `share` of the points, spread evenly, three at a time; at all of them the long way.
    ///
    /// Threads do not share their work in the same way each time, so some points are not met: then
    /// others are tried.
    ///
    /// - Parameters:
    ///   - program: whose points they are, for whoever watches.
    ///   - least: how much of the share has to be met, as a fraction.
    ///   - strike: says whether the point was met.
    func sweep(
        _ points: [Point],
        of program: String,
        share: Int,
        least: Double = 0.9,
        _ strike: @escaping @Sendable (Point) async throws -> Bool
    ) async throws {
        let count = Lab.isFull ? points.count : min(share, points.count)
        try #require(count > 0, "\(testDescription): there is no point")
        let indices = (0..<count).map { $0 * points.count / count }
        let others = Set(points.indices).subtracting(indices).sorted()
        let order = (indices + others).map { points[$0] }
        let wanted = Int((Double(count) * (Lab.isFull ? 0.5 : least)).rounded(.up))
        let (tried, struck) = (Counter(), Counter())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    while true {
                        let number = tried.next()
                        guard number <= order.count, number <= count || struck.value < wanted else {
                            return
                        }
                        let point = order[number - 1]
                        do {
                            if try await strike(point) { _ = struck.next() }
                        } catch {
                            Issue.record(error, "\(testDescription) at \(point)")
                        }
                    }
                }
            }
        }
        let words =
            "\(program), \(testDescription): \(struck.value) struck, \(wanted) wanted of \(count)"
        Aloud.say(words)
        #expect(struck.value >= wanted, "\(words)")
    }
}
