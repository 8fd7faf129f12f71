// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Many jobs of random trees through one `serve`, while the store answers badly by chance, workers are
/// killed, and the head is killed and begun again. Every byte that comes back is held against a plain
/// run of the same tool. Invariants 1, 2 and 6.
@Suite(.enabled(if: !TestServer.isOff)) struct SoakTests {
    /// What is drawn from one number, so that it can be drawn again: GALAXY_S3_TEST_SEED.
    private static let seed: UInt64 =
        getenv("GALAXY_S3_TEST_SEED").flatMap { UInt64(String(cString: $0)) }
        ?? UInt64.random(in: 1...999_999_999)

    private static let storms = [
        "[]",
        #"[{"probability": 0.1, "seed": SEED, "status": 503, "code": "SlowDown"}]"#,
        #"[{"probability": 0.1, "seed": SEED, "status": 500, "code": "InternalError"}]"#,
        #"[{"probability": 0.08, "seed": SEED, "method": "PUT", "committed": true, "reset": true}]"#,
        #"[{"probability": 0.1, "seed": SEED, "reset": true}]"#,
        #"[{"probability": 0.2, "seed": SEED, "operation": "GetObject", "cut": 100}]"#,
        #"[{"probability": 0.05, "seed": SEED, "operation": "GetObject", "flip": 3}]"#,
        #"[{"probability": 0.1, "seed": SEED, "operation": "PutObject", "flip_sent": 3}]"#,
        #"[{"probability": 0.2, "seed": SEED, "delay": 0.5}]"#,
    ]

    /// One job, and what it has to come to.
    private struct Case {
        let job: GalaxyJob
        let run: String
        let expected: FileTree
    }

    @Test func jobsInAStormComeToWhatAPlainRunComesTo() async throws {
        var generator = SeededGenerator(seed: Self.seed)
        let count = Lab.isFull ? 200 : 16
        var restarts = Lab.isFull ? 32 : 3
        try await FaultyStore.run { store in
            let options = ["--set", "disruptions=100", "--set", "retries=20"]
            let cases = try (1...count).map { try Self.makeCase($0, store.lab, &generator) }
            var (serving, _) = try await Serving.begin(store.lab, options)
            var begun = 0
            var done: Set<String> = []
            func submit(_ some: ArraySlice<Case>) {
                for one in some where !done.contains(one.job.id) {
                    serving.send("submit", one.job, #","run":"\#(one.run)""#)
                }
            }
            while done.count < count {
                // Not all at once: some come while others are at their end.
                let more = min(count, begun + 4)
                submit(cases[begun..<more])
                begun = more
                try await Task.sleep(
                    for: .milliseconds(Int.random(in: 300...1500, using: &generator))
                )
                let storm = Self.storms.randomElement(using: &generator) ?? "[]"
                try store.rules(storm.replacing("SEED", with: "\(generator.next() % 1000)"))
                for said in try serving.said
                where said.event == "state" && Serving.finalStates.contains(said.state ?? "") {
                    let one = cases.first { $0.job.description == said.job }
                    guard let one, done.insert(one.job.id).inserted else { continue }
                    #expect(
                        said.state == "ok",
                        "\(one.job.id): \(said.message ?? "") \(Self.words)"
                    )
                }
                switch Int.random(in: 0..<6, using: &generator) {
                case 0:
                    let workers = try store.lab.processes("/galaxy-s3/galaxy-worker-exec")
                    if let one = workers.randomElement(using: &generator) { kill(one, SIGKILL) }
                case 1 where restarts > 0:
                    restarts -= 1
                    serving.program.send(SIGKILL)
                    _ = try await serving.program.ending()
                    (serving, _) = try await Serving.begin(store.lab, options)
                    submit(cases[..<begun])
                default: break
                }
                try #require(!serving.program.hasEnded, "\(serving.program.errors) \(Self.words)")
            }
            try store.rules("[]")
            for one in cases { try Self.expectResult(one) }
            serving.hangUp()
            #expect(try await serving.program.ending().status == 0)
        }
    }

    private static var words: Comment { "GALAXY_S3_TEST_SEED=\(seed)" }

    private static func expectResult(_ one: Case) throws {
        let found = try FileTree(one.job.working)
        let different = Set(found.entries.keys).union(one.expected.entries.keys)
            .filter { name in
                let (left, right) = (found.entries[name], one.expected.entries[name])
                return left?.kind != right?.kind || left?.content != right?.content
                    || left?.mode != right?.mode
            }
        #expect(different.isEmpty, "\(one.job.id): \(different.map(\.count)) \(words)")
        let sum = try Shell.run("md5sum < \(one.job.largeInput)")
        #expect(Shell.text(one.job.output) == sum, words)
        #expect(Shell.text(one.job.exitCodeFile) == "0\n", words)
        let left = try Shell.run("find \(one.job.folder)/galaxy -name '.galaxy_s3.*'")
        #expect(left.isEmpty, "\(one.job.id): \(left) \(words)")
    }

    /// A job whose tool makes a random tree, and the tree.
    private static func makeCase(
        _ number: Int,
        _ lab: Lab,
        _ generator: inout SeededGenerator
    ) throws -> Case {
        let tree = script(&generator)
        let folder = "\(lab.folder)/job-\(number)"
        let job = try GalaxyJob(
            id: "\(number)",
            folder: folder,
            tool: tree + #"md5sum < "$IN1" > "$OUT""#
        )
        let plain = "\(lab.folder)/plain-\(number)"
        try Shell.run("mkdir \(plain); cd \(plain)\n\(tree)")
        let digits = String(generator.next(), radix: 16)
        let padded = String(repeating: "0", count: 16 - digits.utf8.count) + digits
        return Case(job: job, run: "\(number)-\(padded)", expected: try FileTree(plain))
    }

    /// Bash that fills the directory it runs in.
    private static func script(_ generator: inout SeededGenerator) -> String {
        let names = ["a", "with space", "ünïcode", "\"quoted\"", "-dash", "%2F", "very.long.name"]
        var lines = ["umask 022", "chmod 755 ."]
        for number in 0..<Int.random(in: 1...12, using: &generator) {
            let folder = "d\(Int.random(in: 0..<4, using: &generator))"
            let name = "\(names.randomElement(using: &generator) ?? "a") \(number)"
            let size = [0, 1, 1000, 70_000, 9_000_000].randomElement(using: &generator) ?? 0
            let mode = ["644", "600", "755"].randomElement(using: &generator) ?? "644"
            lines.append("mkdir -p \(folder)")
            lines.append("yes '\(generator.next())' | head -c \(size) > './\(folder)/\(name)'")
            lines.append("chmod \(mode) './\(folder)/\(name)'")
            if Int.random(in: 0..<5, using: &generator) == 0 {
                lines.append("ln -s '../\(folder)/\(name)' './\(folder)/link \(number)'")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
