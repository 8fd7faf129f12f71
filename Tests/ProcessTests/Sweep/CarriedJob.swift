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
    private let way: Way
    private let mount: MountedBucket?
    /// Where Galaxy wants the output.
    private let output: String

    /// Gives `body` a job in a lab of its own.
    static func run(
        _ way: Way,
        _ body: (CarriedJob) async throws -> Void
    ) async throws {
        try await Lab.run { lab in
            let mount = way == .linked ? try await MountedBucket(lab) : nil
            defer { mount?.remove() }
            let carried = try CarriedJob(lab, way, mount)
            if way == .bereft { try await carried.loseInput() }
            try await body(carried)
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
        _ mount: MountedBucket?
    ) throws {
        self.lab = lab
        self.way = way
        self.mount = mount
        let tool = #"cp "$IN1" copy; echo live; cat "$IN1" "$IN2" > "$OUT""#
        job = try GalaxyJob(folder: lab.folder, tool: tool)
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
        if way == .served { return try await serve(through: wrapper) }
        let ending = try await lab.head("run", job, ["--json"] + options, through: wrapper)
        return Ending(
            status: ending.status,
            isDone: ending.status == 0,
            words: ending.output + ending.errors
        )
    }

    private var options: [String] {
        way == .split ? ["--set", "local.shape=split"] : mount?.settings ?? []
    }

    private func serve(through wrapper: [String]) async throws -> Ending {
        let serving = try Serving(lab, through: wrapper)
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

    /// Whether the output is there: all of it, or else nothing.
    var isThere: Bool {
        get throws {
            let wanted = [job.largeInput, job.smallInput]
            let expected = try wanted.flatMap { try ChildProcess.contents(of: $0) }
            let found = try ChildProcess.contents(of: output)
            if found.isEmpty { return false }
            guard found == expected else {
                throw ChildProcess.Failure(
                    description: "half a result: \(found.count) bytes of \(expected.count)"
                )
            }
            return true
        }
    }

    /// Everything the job must have come to.
    ///
    /// - Parameter told: what a head has said, where it had to leave something behind.
    func expectResult(
        _ place: String,
        told: String
    ) throws {
        #expect(try isThere, "\(place): the output is not there")
        #expect(Shell.text(job.exitCodeFile) == "0\n", "\(place)")
        try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
        // A tool runs once, however often its head is killed; only a try that it failed to begin comes again.
        if way == .bereft {
            let notes = Shell.text("\(job.directory)/galaxy_s3/run.json")
            #expect(notes.split(separator: #""number":"#).count <= 3, "\(place): \(notes)")
        }
        if let mount {
            let target = try Shell.run("readlink \(output) || true")
            #expect(target.hasPrefix("\(mount.path)/\(lab.prefix)/data/"), "\(place): \(target)")
        }
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
}
