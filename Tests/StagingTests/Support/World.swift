// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import S3Client
import TestSupport

@testable import Staging

/// One job, a bucket, and two machines that see the same absolute paths: the head and a pod. One of
/// them is in place at a time, as no test needs both at once.
final class World {
    let tree: TemporaryTree
    let store: InMemoryObjectStore
    var description: JobDescription
    var run: RunID
    let layout: JobLayout
    var packBelow: Int64 = 1_024
    var mount: BucketMount?
    /// What staging takes for the time.
    var now: @Sendable () -> FileTime = World.later
    private var aside: FilePath
    private var inPod = false
    /// What the last fetch made.
    private var made: [FilePath] = []

    /// Late enough that no file is racily new.
    static func later() -> FileTime { FileTime(seconds: Clock.fileTime().seconds + 60) }

    init(_ store: InMemoryObjectStore = InMemoryObjectStore()) throws {
        let tree = try TemporaryTree()
        self.tree = tree
        self.store = store
        aside = try FilePath(tree.path.bytes + Array(".aside".utf8))
        layout = JobLayout(prefix: try KeyPrefix("p"), instance: try InstanceName("main"))
        run = try RunID("1-0123456789abcdef")
        let job = try tree.at("jobs/1")
        try TemporaryTree.makeDirectories(job.appending("working"))
        try TemporaryTree.makeDirectories(job.appending("outputs"))
        try TemporaryTree.makeDirectories(tree.at("data"))
        description = JobDescription(
            galaxyID: "1",
            toolID: "cat1",
            image: nil,
            jobDirectory: job,
            workingDirectory: try tree.at("jobs/1/working"),
            command: [ByteString("/bin/bash"), ByteString(job.bytes + Array("/galaxy_1.sh".utf8))],
            environment: [:],
            inputs: [],
            toolFiles: [],
            referenceData: [],
            outputs: [],
            exitCodeFile: try tree.at("jobs/1/galaxy_1.ec"),
            stdout: try tree.at("jobs/1/outputs/tool_stdout"),
            stderr: try tree.at("jobs/1/outputs/tool_stderr"),
            jobStdout: try tree.at("jobs/1/outputs/job_stdout"),
            jobStderr: try tree.at("jobs/1/outputs/job_stderr")
        )
        try tree.file("jobs/1/galaxy_1.sh", Array("#!/bin/bash\n".utf8), mode: 0o755)
    }

    /// A job with an input that travels alone, one that goes into a pack, and a tool's file.
    static func withTool(_ store: InMemoryObjectStore = InMemoryObjectStore()) throws -> World {
        let world = try World(store)
        try world.addInput("data/large.dat", [UInt8](repeating: 7, count: 5_000))
        try world.addInput("data/small.dat", [1, 2, 3])
        try world.tree.file("tools/cat/cat.py", "tool")
        world.description.toolFiles = [.init(root: try world.tree.at("tools/cat"), files: nil)]
        return world
    }

    deinit {
        // Only a test that failed half way leaves the other machine behind.
        try? TreeRemoval.remove(aside)
    }

    var job: FilePath { description.jobDirectory }

    func addInput(_ relative: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws {
        let path = try tree.file(relative, bytes, mode: mode)
        description.inputs.append(.init(path: path, extraFiles: nil, metadataFiles: nil))
    }

    /// An output outside the job directory, with the empty placeholder that Galaxy makes.
    func addOutput(_ relative: String, extra: String? = nil) throws {
        let path = try tree.file(relative)
        description.outputs.append(
            .init(name: relative, path: path, extraFiles: try extra.map { try tree.at($0) })
        )
    }

    func plan() throws -> StagePlan {
        try StagePlan(try JobSurvey(description, mount: mount), packBelow: packBelow)
    }

    /// - Parameter uploads: those of one head; of a head that has nothing else to do, if none are given.
    func stageRun(
        _ meter: PhaseMeter = PhaseMeter("stage"),
        uploads: KeyedLock = KeyedLock()
    ) -> StageRun {
        StageRun(
            store: store,
            layout: layout,
            run: run,
            transfers: 4,
            meter: meter,
            uploads: uploads,
            now: now
        )
    }

    func spec(ownOutputs: Bool = false) async throws -> RunSpec {
        let plan = try plan()
        let staged = try await stageRun()(plan)
        let spec = SpecPlan.spec(
            description,
            run: run,
            layout: layout,
            plan: plan,
            staged: staged,
            policy: StagingPolicy(packBelow: packBelow, outputsAreObjects: ownOutputs)
        )
        // What the worker reads is what was written.
        let bytes = try ContractCoding.encode(spec)
        return try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec")
    }

    /// Puts the other machine in place.
    func swap() throws {
        let between = try FilePath(aside.bytes + Array(".x".utf8))
        if FileStatus(at: aside) == nil { try TemporaryTree.makeDirectories(aside) }
        for (from, to) in [(tree.path, between), (aside, tree.path), (between, aside)] {
            let done = from.withCString { from in to.withCString { rename(from, $0) } }
            guard done == 0 else { throw TemporaryTree.failure("rename") }
        }
        inPod.toggle()
    }

    /// Fetches into a pod, which is in place then.
    func fetch(_ spec: RunSpec) async throws -> RootSet {
        if !inPod { try swap() }
        for root in spec.roots { try TemporaryTree.makeDirectories(root) }
        let roots = try RootSet(spec.roots)
        let fetch = FetchRun(store: store, spec: spec, roots: roots, meter: PhaseMeter("fetch"))
        made = try await fetch()
        for path in spec.job.logs {
            if let parent = path.parent { try roots.makeDirectories(parent) }
        }
        return roots
    }

    func stamps() throws -> [FilePath: FileStamp] {
        let files = try TreeSurvey(Directory(path: job)).files
        return Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0.stamp) })
    }

    /// Pushes what is in the pod.
    func push(
        _ spec: RunSpec,
        fetched: [FilePath: FileStamp] = [:],
        scope: PushRules.OnFailure = .all
    ) async throws -> AttemptReport {
        let roots = try RootSet(spec.roots)
        let survey = try PushSurvey(spec, roots, scope: scope, fetched: fetched, elsewhere: made)
        let attempt = try AttemptID(drawnFor: "local")
        let push = PushRun(
            store: store,
            layout: spec.layout.keys,
            run: spec.run,
            attempt: attempt,
            transfers: 4,
            packDigest: spec.push.packDigest ?? .sha256,
            meter: PhaseMeter("push")
        )
        let own = Set(spec.outputs.filter(\.ownObject).map(\.path))
        let below = spec.push.packBelow
        let pushed = try await push([
            PushPlan(survey.logs, packBelow: below, own: []),
            PushPlan(survey.files, packBelow: below, own: own),
        ])
        let report = AttemptReport(
            run: spec.run,
            attempt: attempt,
            specSHA256: SHA256Digest(of: try ContractCoding.encode(spec)),
            worker: Release.version,
            tool: ToolOutcome(end: .ended, exitCode: 0, scriptStatus: 0),
            files: pushed.files.sorted { $0.path < $1.path },
            directories: survey.directories,
            links: survey.links,
            packs: pushed.packs,
            refused: survey.refused,
            lost: survey.lost,
            phases: []
        )
        let bytes = try ContractCoding.encode(report)
        return try ContractCoding.decode(AttemptReport.self, from: bytes, name: "report")
    }

    /// Collects on the head, which is in place then.
    func collect(
        _ report: AttemptReport,
        _ spec: RunSpec,
        from other: (any ObjectStore)? = nil
    ) async throws {
        if inPod { try swap() }
        let collect = CollectRun(
            store: other ?? store,
            transfers: 4,
            meter: PhaseMeter("collect")
        )
        try await collect(try CollectPlan(report, of: spec, given: GivenPlaces(spec, description)))
    }

    func write(_ relative: String, _ text: String) throws {
        try TemporaryTree.write(Array(text.utf8), to: tree.at(relative))
    }

    func snapshot() throws -> Snapshot { try TemporaryTree.snapshot(tree.path) }

    func text(_ relative: String) throws -> String {
        String(decoding: try TemporaryTree.read(tree.at(relative)), as: UTF8.self)
    }
}

extension World {
    /// A run whose tool has written a large and a small output and some files, on the head again.
    func committed() async throws -> (AttemptReport, RunSpec) {
        try addOutput("data/large.dat", extra: "data/large_files")
        try addOutput("data/small.dat")
        let spec = try await spec()
        _ = try await fetch(spec)
        let stamps = try stamps()
        try TemporaryTree.write([UInt8](repeating: 5, count: 5_000), to: tree.at("data/large.dat"))
        try write("data/small.dat", "small")
        try write("data/large_files/part", "part")
        try write("jobs/1/working/d/file", "file")
        try tree.link("jobs/1/working/link", to: "d/file")
        try write("jobs/1/galaxy_1.ec", "0")
        let report = try await push(spec, fetched: stamps)
        try swap()
        return (report, spec)
    }
}
