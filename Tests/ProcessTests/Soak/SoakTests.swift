// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Many jobs of random trees through one `serve`, while the store answers badly by chance, workers are
/// killed, their disk is full for a while, and the head is killed and begun again; in pods while the API
/// server answers badly too, and evicts. Every byte that comes back is held against a plain run of the
/// same tool. Invariants 1, 2 and 6, F90 and F91.
@Suite(.enabled(if: !TestServer.isOff)) struct SoakTests {
    /// One job, and what it has to come to.
    private struct Case {
        let job: GalaxyJob
        let expected: FileTree
        /// The runs that there may be of it, one after the other: a tool that meets a full disk has
        /// failed, and is begun again by its user.
        let runs: [String]
        var number = 0
        /// Whether the disk was full while this run was under way.
        var metFullDisk = false

        var run: String { runs[number] }
    }

    /// Where the tries run.
    enum Ground: CaseIterable {
        /// On this machine, by the head's own executor.
        case machine
        /// In pods of a fake API server that is in trouble too; half of the first ones are evicted.
        case pods

        /// What a worker's command line holds, and nobody else's.
        var worker: String {
            self == .machine ? "/galaxy-s3/galaxy-worker-exec" : "/galaxy-s3-executor/state"
        }

        var jobs: Int { self == .machine || Lab.isFull ? Soak.jobs : Soak.jobs / 2 }
    }

    @Test(arguments: Ground.allCases)
    func jobsInAStormComeToWhatAPlainRunComesTo(_ ground: Ground) async throws {
        var generator = Soak.begin("SoakTests, \(ground)")
        try await FaultyStore.run { store in
            let disk = SmallDisk.isPossible ? try SmallDisk(store.lab, size: "1g") : nil
            defer { disk?.unmount() }
            guard ground == .pods else {
                try await Self.soak(ground, store, nil, disk, &generator)
                // Before its disk is taken away.
                return try store.lab.expectNoSecretOnDisk()
            }
            try await FakeCluster.runWithWorkers(in: store.lab) { fake in
                try fake.plays(
                    """
                    [{"job": "-[0-9]*[13579]-[0-9a-f]{16}-1$", "run": 0.5, "fails":
                      {"reason": "Evicted", "message": "The node was low on resource: memory."}}]
                    """
                )
                try await Self.soak(ground, store, fake, disk, &generator)
            }
        }
    }

    private static func soak(
        _ ground: Ground,
        _ store: FaultyStore,
        _ fake: FakeCluster?,
        _ disk: SmallDisk?,
        _ generator: inout SeededGenerator
    ) async throws {
        let options =
            (fake?.options ?? []) + ["--set", "disruptions=100", "--set", "retries=20"]
        var cases = try (1...ground.jobs).map { try makeCase($0, store.lab, &generator) }
        var (serving, _) = try await Serving.begin(store.lab, options)
        var begun = 0
        var done: Set<String> = []
        var isFull = false
        var (heads, workers) = (0, 0)
        func submit(_ one: Case) {
            serving.send("submit", one.job, #","run":"\#(one.run)""#)
        }
        while done.count < cases.count {
            let step = SoakStep(&generator)
            // Not all at once: some come while others are at their end.
            let more = min(cases.count, begun + 4)
            for index in begun..<more { cases[index].metFullDisk = isFull }
            cases[begun..<more].forEach(submit)
            begun = more
            try await Task.sleep(for: .milliseconds(step.pause))
            try disk?.empty()
            isFull = false
            try store.rules(step.storeStorm)
            try fake?.rules(step.serverStorm)
            for end in try serving.said
            where end.event == "state" && Serving.finalStates.contains(end.state ?? "") {
                let index = cases.firstIndex {
                    $0.job.description == end.job && $0.run == end.run
                }
                guard let index, !done.contains(cases[index].job.id) else { continue }
                if try beginsAgain(&cases[index], end) {
                    submit(cases[index])
                    continue
                }
                done.insert(cases[index].job.id)
                let words = "\(cases[index].job.id): \(end.message ?? "")"
                #expect(end.state == "ok", "\(words) \(Soak.words)")
            }
            switch step.blow {
            case .killWorker:
                guard let one = step.pick(try store.lab.processes(ground.worker)) else { break }
                kill(one, SIGKILL)
                workers += 1
            case .killHead where heads < Soak.restarts:
                heads += 1
                serving.program.send(SIGKILL)
                _ = try await serving.program.ending()
                (serving, _) = try await Serving.begin(store.lab, options)
                cases[..<begun].filter { !done.contains($0.job.id) }.forEach(submit)
            case .fillDisk:
                isFull = disk != nil
                for index in 0..<begun { cases[index].metFullDisk = isFull }
                try disk?.fill()
            case .nothing, .killHead: break
            }
            try #require(!serving.program.hasEnded, "\(serving.program.errors) \(Soak.words)")
        }
        try store.rules("[]")
        try fake?.rules("[]")
        Aloud.say("SoakTests, \(ground): \(heads) heads and \(workers) workers were killed")
        for one in cases { try expectResult(one) }
        serving.hangUp()
        #expect(try await serving.program.ending().status == 0)
    }

    /// A run that came to nothing because the tool, or what came before it, met a full disk is no loss:
    /// nothing is called right that is not. It is begun again, as Galaxy's user would.
    private static func beginsAgain(
        _ one: inout Case,
        _ end: Serving.Said
    ) throws -> Bool {
        let message = end.message ?? ""
        let words = ["left no exit code", "ended with exit code 1", "No space left", "full"]
        guard one.metFullDisk, end.state == "tool_failed" || end.state == "failed",
            words.contains(where: message.contains),
            one.number + 1 < one.runs.count
        else { return false }
        one.metFullDisk = false
        Aloud.say("\(one.job.id) met a full disk: \(end.message ?? "")")
        let job = one.job
        try Shell.run(
            """
            cd \(job.directory); rm -rf working outputs _* *.ec; mkdir working outputs
            : > \(job.output)
            """
        )
        one.number += 1
        return true
    }

    private static func expectResult(_ one: Case) throws {
        let found = try FileTree(one.job.working)
        let different = Set(found.entries.keys).union(one.expected.entries.keys)
            .filter { name in
                let (left, right) = (found.entries[name], one.expected.entries[name])
                return left?.kind != right?.kind || left?.content != right?.content
                    || left?.mode != right?.mode
            }
        #expect(different.isEmpty, "\(one.job.id): \(different.map(\.count)) \(Soak.words)")
        let sum = try Shell.run("md5sum < \(one.job.largeInput)")
        #expect(Shell.text(one.job.output) == sum, Soak.words)
        #expect(Shell.text(one.job.exitCodeFile) == "0\n", Soak.words)
        let left = try Shell.run("find \(one.job.folder)/galaxy -name '.galaxy_s3.*'")
        #expect(left.isEmpty, "\(one.job.id): \(left) \(Soak.words)")
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
            tool: tree + #"md5sum < "$IN1" > "$OUT""#,
            image: "localhost/none:1"
        )
        let input = (0..<40_000)
            .flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        try ChildProcess.write(input, to: job.largeInput)
        let plain = "\(lab.folder)/plain-\(number)"
        try Shell.run("mkdir \(plain); cd \(plain)\n\(tree)")
        let runs = (0..<8).map { _ in Soak.run(of: job, &generator) }
        return Case(job: job, expected: try FileTree(plain), runs: runs)
    }

    /// Bash that fills the directory it runs in, and ends where it cannot.
    private static func script(_ generator: inout SeededGenerator) -> String {
        let names = ["a", "with space", "ünïcode", "\"quoted\"", "-dash", "%2F", "very.long.name"]
        var lines = ["set -e", "umask 022", "chmod 755 ."]
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
