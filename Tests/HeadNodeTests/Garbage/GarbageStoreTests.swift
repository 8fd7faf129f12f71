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
    private static let day = GarbagePlace.day

    enum Backend: String, CaseIterable, Sendable {
        case memory
        case seaweed
    }

    private static var backends: [Backend] { TestServer.isOff ? [.memory] : Backend.allCases }

    @Test(arguments: backends)
    func whatIsNeededStaysAndTheRestGoes(_ backend: Backend) async throws {
        let place = try await GarbagePlace(backend)
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
        let place = try await GarbagePlace(.memory)
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

    @Test("links that are not here keep another Galaxy from being forgotten")
    func abandonment() async throws {
        let place = try await GarbagePlace(.memory)
        defer { place.remove() }
        let ended = try await place.run("2", place.layout, ended: true)
        _ = try await place.link("objects/here.dat", ended, 0)
        _ = try await place.link("elsewhere/unseen.dat", ended, 1, gone: true)
        try await place.survey.checkAbandonment()
        let elsewhere = try await place.link("objects/another's.dat", ended, 2, gone: true)
        let error = await #expect(throws: HeadError.self) {
            try await place.survey.checkAbandonment()
        }
        #expect(error?.code == .busy)
        #expect(error?.line.contains("\(elsewhere.1)") == true, "\(error?.line ?? "")")
        #expect(try await place.free(after: 8).marks == [elsewhere.0])
        try await place.survey.checkAbandonment()
    }

    @Test("without a mount that is configured, nothing is known of links")
    func withoutAMount() async throws {
        let place = try await GarbagePlace(.memory)
        defer { place.remove() }
        let ended = try await place.run("2", place.layout, ended: true)
        let link = try await place.link("objects/gone.dat", ended, 0, gone: true)
        let survey = GarbageSurvey(
            store: place.store,
            layout: place.layout,
            mount: nil,
            transfers: 4,
            signs: place.signs
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
        let survey = GarbageSurvey(
            store: store,
            layout: layout,
            mount: nil,
            transfers: 4,
            signs: GalaxySigns(store: store, layout: layout)
        )
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
        let place = try await GarbagePlace(.memory)
        defer { place.remove() }
        let ended = try await place.run("2", place.layout, ended: true)
        let link = try await place.link("objects/linked.dat", ended, 0)
        let survey = GarbageSurvey(
            store: place.store,
            layout: place.layout,
            mount: BucketMount(path: try place.path("elsewhere"), prefix: try KeyPrefix("")),
            transfers: 4,
            signs: place.signs
        )
        #expect(try await survey().links[link.0]?.path == .unknown)
    }

    @Test("a document that cannot be read ends it: nobody knows what it names")
    func unreadableDocuments() async throws {
        let place = try await GarbagePlace(.memory)
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
        let place = try await GarbagePlace(.memory)
        defer { place.remove() }
        let run = try await place.run("1", place.layout, ended: false)
        try Shell.run("cd \(place.folder); \(change)")
        #expect(try await place.survey().runs[run]?.isLive == isLive)
    }

    @Test("what another machine's links need is not freed where they are not")
    func aMachineThatWasCloned() async throws {
        let place = try await GarbagePlace(.memory)
        defer { place.remove() }
        let first = try await place.run("1", place.layout, ended: true)
        let linked = try await place.link("objects/first.dat", first, 0)
        try await place.sign()
        try place.cloneTheDisk()
        // The first machine goes on.
        try await place.sign()
        let second = try await place.run("2", place.layout, ended: true)
        let new = try await place.link("objects/second.dat", second, 0)
        let running = try await place.run("3", place.layout, ended: false)
        #expect(try await place.free(after: 1).marks.isEmpty)
        // Neither the link nor the job directories are on the clone; the first link was purged there.
        try place.changeDisks()
        try Shell.run("rm \(place.folder)/objects/first.dat")
        let all = try await place.keys
        for days: Int64 in [1, 10, 20] {
            let error = await #expect(throws: HeadError.self) { try await place.free(after: days) }
            #expect(error?.code == .busy)
        }
        #expect(try await place.keys == all)
        try place.changeDisks()
        #expect(try await place.free(after: 30).marks.isEmpty)
        let kept = [linked.0, linked.1, new.0, new.1, place.layout.spec(running)]
        #expect(try await place.keys.isSuperset(of: kept))
    }

    @Test("only what the store itself dates is compared with the store's clock")
    func theStoresClock() async throws {
        let place = try await GarbagePlace(.memory)
        defer { place.remove() }
        let run = GarbageRun(store: place.store, layout: place.layout, transfers: 4)
        let wrong = place.stored + 100 * Self.day
        let now = try await run.exclusively(now: wrong) { (now) async throws(HeadError) in now }
        #expect(abs(now - place.stored) < Self.day)
    }

    @Test(
        "what Galaxy has not taken in is kept, whatever the run came to",
        arguments: [
            (RunEnding.State.ok, false, true), (.ok, true, false), (.toolFailed, false, true),
            (.toolFailed, true, false), (.failed, false, false), (.cancelled, false, false),
            (.walltime, false, false),
        ]
    )
    func runsWithResults(
        _ end: RunEnding.State,
        _ isForgotten: Bool,
        _ isLive: Bool
    ) async throws {
        let place = try await GarbagePlace(.memory)
        defer { place.remove() }
        let run = try await place.run("1", place.layout, ended: true) { state in
            state.ending?.state = end
        }
        if isForgotten { try place.forget("1") }
        #expect(try await place.survey().runs[run]?.isLive == isLive)
        let freed = try await place.free(after: 100).items.map(\.key)
        #expect(freed == (isLive ? [] : [place.layout.spec(run)]))
    }

    @Test("a pack that is stored anew while space is freed stays", arguments: backends)
    func aPackThatIsWantedAgain(_ backend: Backend) async throws {
        let place = try await GarbagePlace(backend)
        defer { place.remove() }
        let pack = place.layout.pack(SHA256Digest(of: [1]))
        try await place.put(pack)
        let now = place.stored + 2 * Self.day
        var plan = GarbagePlan(try await place.survey(), grace: Self.day, now: now)
        #expect(plan.items.map(\.key) == [pack])
        // What is there is not what the plan saw.
        let run = GarbageRun(store: place.store, layout: place.layout, transfers: 4)
        let horizon = plan.horizon
        plan.horizon = place.stored - 1
        try await run(plan)
        #expect(try await place.keys == [pack])
        plan.horizon = horizon
        try await run(plan)
        #expect(try await place.keys.isEmpty)
    }

    @Test func onlyOneFreesAtATime() async throws {
        let place = try await GarbagePlace(.memory)
        defer { place.remove() }
        let now = place.stored + 10
        let run = GarbageRun(store: place.store, layout: place.layout, transfers: 4)
        try await run.exclusively(now: now) { (_) async throws(HeadError) in
            let error = await #expect(throws: HeadError.self) {
                try await run.exclusively(now: now) { (_) async throws(HeadError) in }
            }
            #expect(error?.code == .busy)
        }
        try await run.exclusively(now: now) { (_) async throws(HeadError) in }
        // One whose process has died.
        try await place.put(place.layout.garbageLock)
        await #expect(throws: HeadError.self) {
            try await run.exclusively(now: now) { (_) async throws(HeadError) in }
        }
        let later = now + 2 * Self.day
        try await run.exclusively(now: later) { (_) async throws(HeadError) in }
        #expect(try await place.store.head(place.layout.garbageLock) == nil)
    }
}
