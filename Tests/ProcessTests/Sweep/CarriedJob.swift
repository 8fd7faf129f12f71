// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names
import S3Client
import TestSupport
import Testing

/// A job, and how heads come to carry it: what `KillSweepTests` strike.
struct CarriedJob {
    enum Way: String, Sendable {
        /// `run`, with one container that does all.
        case single
        /// `run`, with three containers.
        case split
        /// `serve`, with one container.
        case served
        /// `run`, with the output in the bucket and a link to it.
        case linked
        /// `run`, with an input that is recorded as staged and has gone from the bucket: the first try fails.
        case bereft
        /// `run`, with an input and the output in Galaxy's own store.
        case stored
        /// `run`, in a pod of a fake API server.
        case pod
        /// `serve`, in such a pod.
        case servedPod
    }

    /// What came of a head.
    struct Ending {
        /// The head's exit status.
        let status: Int32
        /// Whether it has said that all is well.
        let isDone: Bool
        /// All that it has said.
        let words: String
    }

    let lab: Lab
    let job: GalaxyJob
    let way: Way
    private let mount: MountedBucket?
    private let stored: StoredJob?
    private let fake: FakeCluster?
    /// Where Galaxy wants the output.
    private let output: String
    /// What the large input holds, and what the output has to.
    private let input: [UInt8]
    private let expected: [UInt8]

    private static let tool = #"cp "$IN1" copy; echo live; cat "$IN1" "$IN2" > "$OUT""#

    /// Gives `body` a job in a lab of its own.
    static func run(
        _ way: Way,
        _ body: (CarriedJob) async throws -> Void
    ) async throws {
        try await Lab.run { lab in
            switch way {
            case .single, .split, .served: try await body(CarriedJob(lab, way))
            case .bereft:
                let carried = try CarriedJob(lab, way)
                try await carried.loseInput()
                try await body(carried)
            case .linked:
                let mount = try await MountedBucket(lab)
                defer { mount.remove() }
                try await body(CarriedJob(lab, way, mount: mount))
            case .stored:
                let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 40_503 >> 7) }
                let stored = try await StoredJob(lab, bytes: bytes, tool: tool)
                try await body(CarriedJob(lab, way, stored: stored))
                try await stored.remove()
            case .pod, .servedPod:
                try Shell.run("mkdir \(lab.folder)/state/tries")
                try await FakeCluster.runWithWorkers(in: lab) { fake in
                    try await body(CarriedJob(lab, way, fake: fake))
                }
            }
        }
    }

    /// Carries the job once, and takes away what it has staged, and its result.
    private func loseInput() async throws {
        // Files younger than two seconds get no record.
        try Shell.run("sleep 2.1")
        let ending = try await carry()
        try #require(ending.isDone, "\(ending.words)")
        try Shell.run(": > \(output); rm \(job.exitCodeFile) \(job.working)/copy")
        let key = try #require(try await lab.keys("/stage/").first)
        try await lab.store.delete(ObjectKey(key))
    }

    private init(
        _ lab: Lab,
        _ way: Way,
        mount: MountedBucket? = nil,
        stored: StoredJob? = nil,
        fake: FakeCluster? = nil
    ) throws {
        self.lab = lab
        self.way = way
        self.mount = mount
        self.stored = stored
        self.fake = fake
        job =
            try stored?.job
            ?? GalaxyJob(folder: lab.folder, tool: Self.tool, image: "localhost/none:1")
        input = try stored?.bytes ?? ChildProcess.contents(of: job.largeInput)
        expected = try input + ChildProcess.contents(of: job.smallInput)
        if way == .linked {
            // Where a link can be: not in the job directory.
            output = "\(lab.folder)/store/dataset_3.dat"
            try Shell.run(
                """
                mkdir \(lab.folder)/store; : > \(output)
                sed -i 's#\(job.output)\\b#\(output)#' \
                    \(job.description) \(job.directory)/tool_script.sh
                """
            )
        } else {
            output = job.output
        }
    }

    /// Lets a head carry the job to its end, or comes to its own before.
    func carry(through wrapper: [String] = []) async throws -> Ending {
        if way == .served || way == .servedPod { return try await serve(through: wrapper) }
        let ending = try await lab.head("run", job, ["--json"] + options, through: wrapper)
        return Ending(
            status: ending.status,
            isDone: ending.status == 0,
            words: ending.output + ending.errors
        )
    }

    /// What the head is told beside the lab's settings.
    var options: [String] {
        if way == .split { return ["--set", "local.shape=split"] }
        return mount?.settings ?? stored?.options ?? fake?.options ?? []
    }

    private func serve(through wrapper: [String]) async throws -> Ending {
        let serving = try Serving(lab, options, through: wrapper)
        // It may be killed before it answers, and is told all at once.
        serving.send("hello", #"{"protocol":1,"server_name":"main","plugin":"test"}"#)
        serving.send("submit", job, #","run":"\#(job.id)-0123456789abcdef""#)
        var last: Serving.Said?
        try await Patience.long.wait("the end of the job, or of its head") {
            last = try serving.said.last { Serving.finalStates.contains($0.state ?? "") }
            return last != nil || serving.program.hasEnded
        }
        serving.hangUp()
        let ending = try await serving.program.ending()
        return Ending(
            status: ending.status,
            isDone: last?.state == "ok",
            words: ending.output + ending.errors
        )
    }

    // MARK: What came of it

    /// Whether the output is there: all of it, or else nothing.
    func isThere() async throws -> Bool {
        let found = try await stored?.found() ?? ChildProcess.contents(of: output)
        if found.isEmpty { return false }
        guard found == expected else {
            throw ChildProcess.Failure(
                description: "half a result: \(found.count) bytes of \(expected.count)"
            )
        }
        return true
    }

    /// Everything the job must have come to.
    ///
    /// - Parameter told: what a head has said, where it had to leave something behind.
    func expectResult(
        _ place: String,
        told: String
    ) async throws {
        #expect(try await isThere(), "\(place): the output is not there")
        #expect(Shell.text(job.exitCodeFile) == "0\n", "\(place)")
        #expect(try ChildProcess.contents(of: "\(job.working)/copy") == input, "\(place)")
        // A tool runs once, however often its head is killed; only a try that it failed to begin comes again.
        if way == .bereft {
            let notes = Shell.text("\(job.directory)/galaxy_s3/run.json")
            #expect(notes.split(separator: #""number":"#).count <= 3, "\(place): \(notes)")
        }
        if let mount {
            let target = try Shell.run("readlink \(output) || true")
            #expect(target.hasPrefix("\(mount.path)/\(lab.prefix)/data/"), "\(place): \(target)")
        }
        if let stored { try await stored.expectOutput(expected) }
        if let fake { try await expectOneJobARun(place, fake) }
        let left = try Shell.run(
            """
            find \(job.folder)/galaxy -name '.galaxy_s3.*'; ls \(lab.folder)/state/tries
            if [ -d \(lab.folder)/store ]; then find \(lab.folder)/store -name '.galaxy*'; fi
            """
        )
        // A try that cannot be removed is told, and is no reason to fail.
        let untold = left.split(separator: "\n").filter { !told.contains($0) }
        #expect(untold == [], "\(place): temporary files and tries are removed")
    }

    /// A head that has told the end is not cut off: the next begins another run. No run has a second Job.
    private func expectOneJobARun(
        _ place: String,
        _ fake: FakeCluster
    ) async throws {
        let started = try await lab.keys("/started.json")
        let runs = Set(started.compactMap { Self.run(in: $0) })
        #expect(started.count == runs.count, "\(place): the tool ran once: \(started)")
        #expect(try fake.counts().jobs == runs.count, "\(place)")
    }

    /// The name of the run that a key is about.
    private static func run(in key: String) -> Substring? {
        let parts = key.split(separator: "/")
        return parts.firstIndex(of: "jobs").map { parts[$0 + 2] }
    }

    /// Nobody wants anything of the job any more.
    func abandon() throws {
        try Shell.run(
            "rm -rf \(job.directory) \(job.objects) \(lab.folder)/store; mkdir \(job.objects)"
        )
        // What is gone with its directory may be on a disk that is away.
        if way == .linked { try Shell.run("mkdir \(lab.folder)/store") }
    }
}
