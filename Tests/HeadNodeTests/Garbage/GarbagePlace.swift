// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Staging
import TestSupport
import Testing
import Transport

@testable import HeadNode

/// A bucket with something of everything, and the disk that goes with it.
struct GarbagePlace {
    static let day: Int64 = 86_400

    let store: any ObjectStore
    let layout: JobLayout
    let other: JobLayout
    let folder: String
    /// When everything was stored.
    let stored: Int64

    init(_ backend: GarbageStoreTests.Backend) async throws {
        switch backend {
        case .memory:
            store = InMemoryObjectStore()
            stored = InMemoryObjectStore.firstModified
        case .seaweed:
            store = try await TestServer.running(.seaweed).store()
            stored = Clock.fileTime().seconds
        }
        let nonce = String(Nonce.draw().prefix(12))
        let prefix = try KeyPrefix("gc/\(nonce)")
        layout = JobLayout(prefix: prefix, instance: try InstanceName("main"))
        other = JobLayout(prefix: prefix, instance: try InstanceName("other"))
        folder = "/tmp/galaxy-s3-gc-\(nonce)"
        try Shell.run("mkdir -p \(folder)/objects \(folder)/jobs \(folder)/mnt")
    }

    func remove() { _ = try? Shell.run("rm -rf \(folder) \(folder)-clone") }

    var mount: BucketMount {
        get throws { BucketMount(path: try path("mnt"), prefix: try KeyPrefix("")) }
    }

    func path(_ name: String) throws -> FilePath { try FilePath("\(folder)/\(name)") }

    func put(_ key: ObjectKey, _ bytes: [UInt8] = [1, 2, 3]) async throws {
        _ = try await store.put(
            key,
            body: .bytes(bytes),
            checksum: CRC64NVME(of: bytes),
            options: PutOptions()
        )
    }

    func put(_ key: ObjectKey, _ document: some Encodable) async throws {
        try await put(key, try ContractCoding.encode(document))
    }

    /// A file that is staged; as it was before if it is `stale`.
    func stage(_ name: String, stale: Bool = false) async throws -> (ObjectKey, ObjectKey) {
        let path = try path("objects/\(name)")
        try Shell.run("echo \(name) > \(path)")
        let status = try #require(FileStatus(at: path))
        if stale { try Shell.run("echo more >> \(path)") }
        let key = layout.stage(path, nonce: Nonce.draw())
        let record = layout.staged(path, version: status.stamp.digest)
        try await put(key)
        let document = StagedRecord(
            path: path,
            key: key,
            size: 3,
            digest: CRC64NVME(of: [1, 2, 3]),
            instance: layout.instance
        )
        try await put(record, document)
        return (record, key)
    }

    /// An output that a link names; without the link if it is `gone`.
    func link(
        _ name: String,
        _ run: RunID,
        _ number: Int,
        gone: Bool = false
    ) async throws -> (ObjectKey, ObjectKey) {
        let path = try path(name)
        let key = layout.data(run, try AttemptID("pod-01234567"), number)
        let seen = try #require(try mount.path(of: key))
        if !gone { try Shell.run("ln -s \(seen) \(path)") }
        let file = PushedFile(
            path: path,
            size: 3,
            digest: CRC64NVME(of: [1, 2, 3]),
            mode: FileMode(0o644),
            modified: FileTime(seconds: 0),
            location: .object(key)
        )
        let record = layout.link(path, to: key)
        try await put(key)
        try await put(record, LinkRecord(path: path, of: file, at: key))
        return (record, key)
    }

    /// A run with its spec, which names `needs`.
    func run(
        _ id: String,
        _ layout: JobLayout,
        ended: Bool?,
        needs: [ObjectKey] = [],
        change: (inout RunState) -> Void = { _ in }
    ) async throws -> RunID {
        let run = try RunID("\(id)-0123456789abcdef")
        let directory = try path("jobs/\(layout.instance)-\(id)")
        if let ended {
            var state = RunState(
                run: run,
                descriptionSHA256: SHA256Digest(of: []),
                place: RunPlace(try ScriptedWork.settings.get())
            )
            if ended { state.ending = RunEnding(.failed, "over") }
            change(&state)
            try Shell.run("mkdir -p \(directory)/\(HeadState.directoryName)")
            let notes = "\(directory)/\(HeadState.directoryName)/run.json"
            try ChildProcess.write(try ContractCoding.encode(state), to: notes)
        }
        let spec = RunSpec(
            run: run,
            layout: layout,
            command: [ByteString("/bin/true")],
            workingDirectory: directory,
            environment: [:],
            roots: [directory],
            directories: [],
            links: [],
            packs: [],
            inputs: needs.map { key in
                InputEntry(
                    path: directory,
                    key: key,
                    size: 3,
                    digest: CRC64NVME(of: [1, 2, 3]),
                    mode: FileMode(0o644),
                    modified: FileTime(seconds: 0)
                )
            },
            outputs: [],
            job: JobFiles(
                directory: directory,
                exitCode: directory,
                toolStdout: directory,
                toolStderr: directory,
                jobStdout: directory,
                jobStderr: directory
            ),
            push: PushRules(onFailure: .all, leaveBehind: [], packBelow: 0),
            limits: Limits()
        )
        try await put(layout.spec(run), spec)
        return run
    }

    /// Galaxy has let go of a job; what it says of another run of that job changes nothing.
    func forget(_ id: String) throws {
        let directory = try path("jobs/\(layout.instance)-\(id)")
        let other = RunID(drawnFor: try #require(GalaxyJobID(id)))
        try RunNotes.forget(nil, in: directory)
        try RunNotes.forget(other, in: directory)
    }

    var survey: GarbageSurvey {
        get throws {
            GarbageSurvey(
                store: store,
                layout: layout,
                mount: try mount,
                transfers: 4,
                signs: signs
            )
        }
    }

    var signs: GalaxySigns { GalaxySigns(store: store, layout: layout, pauses: []) }

    /// Signs as a server of this Galaxy's that is served does.
    func sign() async throws {
        let server = try #require(ServerName("main"))
        try await DiskSigning(store: store, layout: layout, server: server)
            .sign(in: path("jobs"))
    }

    /// Makes a copy of the disk, and puts it away.
    func cloneTheDisk() throws { try Shell.run("cp -a \(folder) \(folder)-clone") }

    /// Puts the other disk in the place of this one.
    func changeDisks() throws {
        try Shell.run(
            "mv \(folder) \(folder)-x; mv \(folder)-clone \(folder); mv \(folder)-x \(folder)-clone"
        )
    }

    /// Frees what is left over, so many days after everything was stored.
    func free(after days: Int64) async throws -> GarbagePlan {
        let now = stored + days * Self.day
        let run = GarbageRun(store: store, layout: layout, transfers: 4)
        let plan = GarbagePlan(try await survey(), grace: 7 * Self.day, now: now)
        try await run.exclusively(now: now) { (_) async throws(HeadError) in
            try await run(plan)
        }
        return plan
    }

    var keys: Set<ObjectKey> {
        get async throws { Set(try await store.entries(below: layout.everything).map(\.key)) }
    }
}
