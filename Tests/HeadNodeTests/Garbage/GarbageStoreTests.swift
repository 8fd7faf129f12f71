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

/// Freeing space in a real store, and in one in memory.
@Suite struct GarbageStoreTests {
    private static let day: Int64 = 86_400

    enum Backend: String, CaseIterable, Sendable {
        case memory
        case seaweed
    }

    /// A bucket with something of everything, and the disk that goes with it.
    private struct Place {
        let store: any ObjectStore
        let layout: JobLayout
        let other: JobLayout
        let folder: String
        /// When everything was stored.
        let stored: Int64

        init(_ backend: Backend) async throws {
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

        func remove() { _ = try? Shell.run("rm -rf \(folder)") }

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
            needs: [ObjectKey] = []
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

        var survey: GarbageSurvey {
            get throws {
                GarbageSurvey(store: store, layout: layout, mount: try mount, transfers: 4)
            }
        }

        /// Frees what is left over, so many days after everything was stored.
        func free(after days: Int64) async throws -> GarbagePlan {
            let now = stored + days * GarbageStoreTests.day
            let run = GarbageRun(store: store, layout: layout, transfers: 4)
            let plan = GarbagePlan(try await survey(), grace: 7 * GarbageStoreTests.day, now: now)
            try await run.exclusively(now: now) { () async throws(HeadError) in try await run(plan)
            }
            return plan
        }

        var keys: Set<ObjectKey> {
            get async throws { Set(try await store.entries(below: layout.everything).map(\.key)) }
        }
    }

    private static var backends: [Backend] { TestServer.isOff ? [.memory] : Backend.allCases }

    @Test(arguments: backends)
    func whatIsNeededStaysAndTheRestGoes(_ backend: Backend) async throws {
        let place = try await Place(backend)
        defer { place.remove() }
        let kept = try await place.stage("kept.dat")
        let stale = try await place.stage("stale.dat", stale: true)
        let loose = place.layout.stage(try place.path("x"), nonce: Nonce.draw())
        let needed = place.layout.stage(try place.path("y"), nonce: Nonce.draw())
        let theirs = place.layout.stage(try place.path("z"), nonce: Nonce.draw())
        for key in [loose, needed, theirs] { try await place.put(key) }
        let live = try await place.run("1", place.layout, ended: false, needs: [needed])
        let ended = try await place.run("2", place.layout, ended: true)
        let lost = try await place.run("3", place.layout, ended: nil)
        _ = try await place.run("4", place.other, ended: nil, needs: [theirs])
        let linked = try await place.link("objects/linked.dat", ended, 0)
        let unseen = try await place.link("elsewhere/unseen.dat", ended, 1, gone: true)
        let purged = try await place.link("objects/purged.dat", ended, 2, gone: true)
        let left = place.layout.data(lost, try AttemptID("pod-01234567"), 3)
        let running = place.layout.data(live, try AttemptID("pod-01234567"), 4)
        for key in [left, running] { try await place.put(key) }
        let all = try await place.keys

        let upload = try await place.store.createMultipart(loose, options: PutOptions())
        // Nothing is old enough; the link that is gone is marked.
        let first = try await place.free(after: 6)
        #expect(first.items.isEmpty)
        #expect(first.marks == [purged.0])
        let open = try await place.store.openUploads(below: place.layout.everything)
        #expect(open.map(\.id) == [upload])
        #expect(try await place.keys == all)

        let gone = [
            stale.0, stale.1, loose, left, purged.0, purged.1, place.layout.spec(ended),
            place.layout.spec(lost),
        ]
        let second = try await place.free(after: 8)
        #expect(Set(second.items.map(\.key)) == Set(gone))
        #expect(second.uploads?.map(\.key) == [loose])
        #expect(try await place.store.openUploads(below: place.layout.everything).isEmpty)
        let rest = try await place.keys
        #expect(rest == all.subtracting(gone))
        #expect(
            rest.isSuperset(of: [kept.0, kept.1, linked.0, linked.1, unseen.0, unseen.1, needed])
        )
        #expect(rest.isSuperset(of: [theirs, running, place.layout.spec(live)]))
        #expect(try await place.free(after: 100).items.isEmpty)
    }

    @Test("a link that comes back is marked no more")
    func aLinkThatComesBack() async throws {
        let place = try await Place(.memory)
        defer { place.remove() }
        let ended = try await place.run("2", place.layout, ended: true)
        let link = try await place.link("objects/moved.dat", ended, 0, gone: true)
        #expect(try await place.free(after: 8).marks == [link.0])
        let seen = try #require(try place.mount.path(of: link.1))
        try Shell.run("ln -s \(seen) \(place.folder)/objects/moved.dat")
        #expect(try await place.free(after: 16).unmarks == [link.0])
        try Shell.run("rm \(place.folder)/objects/moved.dat")
        let plan = try await place.free(after: 16)
        #expect(plan.marks == [link.0])
        #expect(plan.items.isEmpty)
    }

    @Test("without a mount that is configured, nothing is known of links")
    func withoutAMount() async throws {
        let place = try await Place(.memory)
        defer { place.remove() }
        let ended = try await place.run("2", place.layout, ended: true)
        let link = try await place.link("objects/gone.dat", ended, 0, gone: true)
        let survey = GarbageSurvey(
            store: place.store,
            layout: place.layout,
            mount: nil,
            transfers: 4
        )
        #expect(try await survey().links[link.0]?.path == .unknown)
    }

    @Test(
        "uploads that are not listed to us keep nothing else from being freed",
        arguments: [S3Error.Code.accessDenied, .refused, .unavailable]
    )
    func uploadsThatAreNotListed(_ code: S3Error.Code) async throws {
        let store = InMemoryObjectStore { call throws(S3Error) in
            if call.kind == .openUploads { throw S3Error(code, what: "Cannot list the uploads") }
        }
        let layout = JobLayout(prefix: try KeyPrefix("gc"), instance: try InstanceName("test"))
        let survey = GarbageSurvey(store: store, layout: layout, mount: nil, transfers: 4)
        if code == .unavailable {
            await #expect(throws: HeadError.self) { try await survey() }
        } else {
            let facts = try await survey()
            #expect(facts.uploads == nil)
            #expect(GarbagePlan(facts, grace: Self.day, now: 0).uploads == nil)
        }
    }

    @Test("links from before the mount was moved are not taken for gone")
    func aMountThatWasMoved() async throws {
        let place = try await Place(.memory)
        defer { place.remove() }
        let ended = try await place.run("2", place.layout, ended: true)
        let link = try await place.link("objects/linked.dat", ended, 0)
        let survey = GarbageSurvey(
            store: place.store,
            layout: place.layout,
            mount: BucketMount(path: try place.path("elsewhere"), prefix: try KeyPrefix("")),
            transfers: 4
        )
        #expect(try await survey().links[link.0]?.path == .unknown)
    }

    @Test("a document that cannot be read ends it: nobody knows what it names")
    func unreadableDocuments() async throws {
        let place = try await Place(.memory)
        defer { place.remove() }
        let (record, _) = try await place.stage("kept.dat")
        let run = try await place.run("1", place.layout, ended: false)
        let link = try await place.link("objects/linked.dat", run, 0)
        for key in [record, link.0, place.layout.spec(run)] {
            let bytes = try #require(try await place.store.bytes(of: key, limit: 1 << 20)?.bytes)
            try await place.put(key, Array("{\"version\": 99}".utf8))
            await #expect(throws: HeadError.self) { try await place.free(after: 100) }
            try await place.put(key, bytes)
        }
        #expect(try await place.free(after: 100).items.map(\.key) == [])
    }

    @Test(
        "a run is over when its job directory says so, is another run's, or is gone",
        arguments: [
            ("", true), ("rm -rf jobs/main-1", false), ("rm -rf jobs/main-1/galaxy_s3", false),
            ("rm -rf jobs", true), ("rm jobs/main-1/galaxy_s3/run.json", true),
            ("echo x > jobs/main-1/galaxy_s3/run.json", true),
            (
                "sed -i s/1-0123456789abcdef/1-fedcba9876543210/ jobs/main-1/galaxy_s3/run.json",
                false
            ),
        ]
    )
    func liveRuns(_ change: String, _ isLive: Bool) async throws {
        let place = try await Place(.memory)
        defer { place.remove() }
        let run = try await place.run("1", place.layout, ended: false)
        try Shell.run("cd \(place.folder); \(change)")
        #expect(try await place.survey().runs[run]?.isLive == isLive)
    }

    @Test func onlyOneFreesAtATime() async throws {
        let place = try await Place(.memory)
        defer { place.remove() }
        let now = place.stored + 10
        let run = GarbageRun(store: place.store, layout: place.layout, transfers: 4)
        try await run.exclusively(now: now) { () async throws(HeadError) in
            let error = await #expect(throws: HeadError.self) {
                try await run.exclusively(now: now) { () async throws(HeadError) in }
            }
            #expect(error?.code == .busy)
        }
        try await run.exclusively(now: now) { () async throws(HeadError) in }
        // One whose process has died.
        try await place.put(place.layout.garbageLock)
        await #expect(throws: HeadError.self) {
            try await run.exclusively(now: now) { () async throws(HeadError) in }
        }
        let later = now + 2 * Self.day
        try await run.exclusively(now: later) { () async throws(HeadError) in }
        #expect(try await place.store.head(place.layout.garbageLock) == nil)
    }
}
