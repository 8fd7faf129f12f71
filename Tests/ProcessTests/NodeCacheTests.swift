// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Jobs that share reference data by way of this machine's cache, with the real programs and the
/// bucket behind a proxy that writes down what is asked of it.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct NodeCacheTests {
    /// A job whose tool compares its genome with what the head has, and looks for the cache.
    static func job(
        _ lab: Lab,
        _ number: Int = 1,
        image: String? = nil
    ) throws -> GalaxyJob {
        let genome = "\(lab.folder)/galaxy/genomes/genome.fa"
        // A file that has just changed is staged by each head for itself.
        try Shell.run(
            """
            if [ ! -e \(genome) ]; then
                mkdir -p $(dirname \(genome)); head -c 3000000 /dev/urandom > \(genome); sleep 3
            fi
            """
        )
        let tool = """
            md5sum < \(genome) > "$OUT"; echo spoiled > \(genome)
            find / -maxdepth 4 -path /proc -prune -o -name 'input-*-3000000-*' -print \\
                -o -name 'galaxy-s3-[0-9]*' -print 2> /dev/null
            ls -d /galaxy-s3/cache \(place(lab)) /galaxy-s3-executor-cache 2> /dev/null; true
            """
        let folder = "\(lab.folder)/j\(number)"
        let job = try GalaxyJob(id: "\(number)", folder: folder, tool: tool, image: image)
        let empty = #""reference_data": []"#
        let full = #""reference_data": [{"path": "\#(genome)"}]"#
        try job.write(description: job.json.replacing(empty, with: full))
        return job
    }

    static func place(_ lab: Lab) -> String { "\(lab.folder)/cache" }

    static func options(_ lab: Lab) -> [String] {
        ["--set", "local.shape=split", "--set", "cache.path=\(place(lab))"]
    }

    /// The bytes arrived, and nothing of the cache is within the tool's reach.
    static func expectResult(
        of job: GalaxyJob,
        _ lab: Lab
    ) throws {
        let genome = "\(lab.folder)/galaxy/genomes/genome.fa"
        #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(genome)")))
        #expect(Shell.text("\(job.outputs)/tool_stdout") == "", "the tool has found the cache")
    }

    /// How often the object was asked for that the spec marks as shared.
    private func askedForGenome(_ faulty: FaultyStore) async throws -> Int {
        let spec = try #require(try await faulty.lab.keys("spec.json").first)
        let text = try await faulty.lab.text(spec)
        let match = try #require(text.firstMatch(of: /"isShared":true,"key":"([^"]+)"/))
        return try faulty.requests()
            .filter { $0.operation == "GetObject" && $0.key == String(match.output.1) }.count
    }

    private func whole(_ lab: Lab) throws -> String {
        try Shell.run("ls \(Self.place(lab))/galaxy-s3-*/ | grep -v '^lock$' | cut -c 1-6")
    }

    @Test(.timeLimit(.minutes(15))) func jobsThatBeginAtOnceAskForItOnce() async throws {
        try await FaultyStore.run { faulty in
            // Long enough that all of them want it while one brings it.
            try faulty.rules(#"[{"operation": "GetObject", "key": "/stage/", "delay": 2}]"#)
            let jobs = try (1...6).map { try Self.job(faulty.lab, $0) }
            let heads = try jobs.map {
                try faulty.lab.start("run", $0, ["--json"] + Self.options(faulty.lab))
            }
            for (job, head) in zip(jobs, heads) {
                let ending = try await head.ending(.forMany)
                #expect(ending.status == 0, "\(ending.output)")
                try Self.expectResult(of: job, faulty.lab)
            }
            // The genome is staged by six heads, each for itself; what they agree on is shared.
            #expect(try await askedForGenome(faulty) == 1)
            #expect(try whole(faulty.lab) == "input-\n")
            let later = try Self.job(faulty.lab, 7)
            let (status, answer) = try await faulty.lab.run(later, Self.options(faulty.lab))
            #expect(status == 0, "\(answer.ending?.message ?? "")")
            try Self.expectResult(of: later, faulty.lab)
            #expect(try await askedForGenome(faulty) == 1)
            let cached = try await faulty.lab.reports().values
                .count { $0.contains(#""cachedBytes":3000000"#) }
            #expect(cached == 6, "one of seven has brought it")
        }
    }

    /// Invariant 6: whoever brings it is killed in the middle; the next one begins it anew.
    @Test(.timeLimit(.minutes(10))) func aWorkerIsKilledWhileItBringsAFile() async throws {
        try await FaultyStore.run { faulty in
            let lab = faulty.lab
            // The genome alone is a file in several pieces of this size; the rest is smaller.
            try faulty.rules(
                #"[{"operation": "GetObject", "key": "/stage/", "drip": 100000, "times": 2}]"#
            )
            let job = try Self.job(lab)
            let head = try lab.start("run", job, ["--json"] + Self.options(lab))
            let part = "ls -s \(Self.place(lab))/galaxy-s3-*/*.part 2> /dev/null || true"
            try await Patience.long.wait("a part in the cache") { try Shell.run(part) != "" }
            kill(try await lab.worker(verb: "fetch"), SIGKILL)
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "ok", "\(answer.ending?.message ?? "")")
            #expect(answer.failedTries.count == 1)
            try Self.expectResult(of: job, lab)
            #expect(try whole(lab) == "input-\n")
            #expect(try await askedForGenome(faulty) == 2)
        }
    }

    @Test(.enabled("it mounts small file systems") { geteuid() == 0 })
    func aCacheWithoutRoomFailsNoJob() async throws {
        try await FaultyStore.run { faulty in
            let lab = faulty.lab
            let place = Self.place(lab)
            try Shell.run("mkdir \(place); mount -t tmpfs -o size=1m,mode=777 none \(place)")
            defer { _ = try? Shell.run("umount -l \(place) || true") }
            let job = try Self.job(lab)
            let ending = try await lab.head("run", job, ["--json"] + Self.options(lab))
            #expect(ending.status == 0, "\(ending.output)")
            #expect(ending.output.contains("without the node's cache"), "\(ending.output)")
            #expect(ending.output.contains("No space left"), "\(ending.output)")
            try Self.expectResult(of: job, lab)
            #expect(try await askedForGenome(faulty) == 1, "the room is asked for before the bytes")
        }
    }

    @Test func aDamagedFileIsFetchedAgain() async throws {
        try await FaultyStore.run { faulty in
            let lab = faulty.lab
            let first = try Self.job(lab)
            #expect(try await lab.run(first, Self.options(lab)).status == 0)
            try Shell.run(
                "printf X | dd of=$(ls \(Self.place(lab))/galaxy-s3-*/input-*) bs=1 seek=5000 "
                    + "conv=notrunc 2> /dev/null"
            )
            let second = try Self.job(lab, 2)
            let ending = try await lab.head("run", second, ["--json"] + Self.options(lab))
            #expect(ending.status == 0, "\(ending.output)")
            #expect(ending.output.contains("is damaged"), "\(ending.output)")
            try Self.expectResult(of: second, lab)
            #expect(try await askedForGenome(faulty) == 2)
        }
    }
}
