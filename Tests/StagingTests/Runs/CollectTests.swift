// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Glibc
import Names
import S3Client
import TestSupport
import Testing

@testable import Staging

@Suite struct CollectTests {
    private let world: World
    private let tree: TemporaryTree
    private let outside: TemporaryTree

    init() throws {
        world = try World()
        tree = world.tree
        outside = try TemporaryTree()
        try outside.file("canary", "secret")
    }

    @Test("invariant 7: what a directory on the head has become is not written through")
    func linkOnTheHead() async throws {
        let (report, spec) = try await world.committed()
        try tree.link("jobs/1/working/d", to: outside.path.description)
        let error = await #expect(throws: StagingError.self) {
            try await world.collect(report, spec)
        }
        #expect(error?.what.contains("/jobs/1/working/d") == true)
        #expect(try TemporaryTree.snapshot(outside.path).count == 1)
        #expect(try world.text("data/small.dat").isEmpty)
    }

    @Test("invariants 1 and 2: a damaged object or pack replaces no file and leaves nothing")
    func damaged() async throws {
        let (report, spec) = try await world.committed()
        let prefixes = ["p/data/", "p/jobs/"]
        let keys = world.store.keys.filter { key in
            prefixes.contains { key.hasPrefix($0.utf8) } && key.hasPrefix("p/data/".utf8)
                || report.packs.contains { $0.key == key }
        }
        #expect(keys.count == 3)
        let before = try world.snapshot().contents
        for key in keys {
            let size = try #require(world.store.storedBytes(key)).count
            for index in [0, 600, size / 2, size - 1] {
                world.store.damage(key, at: index)
                await #expect(throws: StagingError.self) { try await world.collect(report, spec) }
                #expect(try world.snapshot().contents == before)
                world.store.damage(key, at: index)
            }
        }
        for key in keys {
            let store = InMemoryObjectStore()
            _ = key
            await #expect(throws: StagingError.self) {
                try await world.collect(report, spec, from: store)
            }
            #expect(try world.snapshot().contents == before)
        }
        try await world.collect(report, spec)
        #expect(try world.text("jobs/1/working/d/file") == "file")
    }

    @Test("invariant 6: a collect cut off at any call, done again, is right")
    func cutOff() async throws {
        for number in 1...4 {
            let calls = Counter()
            let cut = Late<Int>()
            let store = InMemoryObjectStore { call throws(S3Error) in
                guard cut.get != nil, call.kind == .get, !call.isDone else { return }
                if calls.next() == cut.get { throw S3Error(.unreachable, what: "cut") }
            }
            let world = try World(store)
            try world.addOutput("data/large.dat")
            let spec = try await world.spec()
            _ = try await world.fetch(spec)
            try world.tree.file("data/large.dat", [UInt8](repeating: 5, count: 5_000))
            try world.write("jobs/1/working/d/file", "file")
            try world.write("jobs/1/galaxy_1.ec", "0")
            let report = try await world.push(spec)
            let pod = try world.snapshot()
            try world.swap()
            let before = try world.snapshot().contents
            cut.set(number)
            if (try? await world.collect(report, spec)) == nil {
                #expect(try world.snapshot().contents == before)
            }
            cut.set(-1)
            for _ in 0..<2 { try await world.collect(report, spec) }
            #expect(
                try differences(pod.below(world.job), world.snapshot().below(world.job)).isEmpty
            )
            #expect(try world.snapshot().contents == pod.contents)
        }
    }

    @Test(
        "what does not fit is not begun: no byte is asked for, nothing is on the disk (T27)",
        arguments: [false, true]
    )
    func noRoom(packed: Bool) async throws {
        var (report, spec) = try await world.committed()
        let index = try #require(
            report.files.firstIndex { file in
                if case .pack = file.location { packed } else { !packed }
            }
        )
        // As of a sparse file, which a tool makes at no cost.
        report.files[index].size = 64 << 40
        let before = try world.snapshot().contents
        // Its room counts as free.
        try tree.file("data/.galaxy_s3.\(spec.run).0", "left by a collect that was cut off")
        let gets = world.store.calls.count { $0.kind == .get }
        let error = await #expect(throws: StagingError.self) {
            try await world.collect(report, spec)
        }
        #expect(error?.code == .diskFull)
        #expect(error?.what.contains(" of them for") == false, "\(error?.what ?? "")")
        #expect(error?.what.contains("need 70368744") == true, "\(error?.what ?? "")")
        #expect(error?.what.contains(" bytes, \(try tree.at("data")) has ") == true)
        #expect(world.store.calls.count { $0.kind == .get } == gets)
        #expect(try world.snapshot().contents == before)
    }

    @Test("of two collects that fit alone and not together, the later begins nothing (T27)")
    func roomForOne() async throws {
        let meanwhile = Late<@Sendable () async -> Void>()
        let calls = Counter()
        let store = InMemoryObjectStore { call in
            guard call.kind == .get, !call.isDone, let body = meanwhile.get else { return }
            if calls.next() == 1 { await body() }
        }
        let world = try World(store)
        var (report, spec) = try await world.committed()
        let large = try world.tree.at("data/large.dat")
        let index = try #require(report.files.firstIndex { $0.path == large })
        report.files[index].size = try Directory(path: world.tree.at("data")).freeBytes() / 10 * 6
        let given = GivenPlaces(spec, world.description)
        let first = try CollectPlan(report, of: spec, given: given)
        var second = first
        second.run = try RunID("2-0123456789abcdef")
        let collect = CollectRun(
            store: store,
            transfers: 1,
            meter: PhaseMeter("collect"),
            room: PromisedRoom()
        )
        let refusal = Late<StagingError>()
        defer { meanwhile.forget() }
        meanwhile.set { [second] in
            do throws(StagingError) { try await collect(second) } catch { refusal.set(error) }
        }
        // The object is not that large.
        let error = await #expect(throws: StagingError.self) { try await collect(first) }
        #expect(error?.code != .diskFull, "\(error?.tree ?? "")")
        #expect(refusal.get?.code == .diskFull)
        #expect(refusal.get?.what.contains(" of them for results that come now") == true)
        // What the first was promised is free again.
        let alone = await #expect(throws: StagingError.self) { try await collect(second) }
        #expect(alone?.code != .diskFull, "\(alone?.tree ?? "")")
    }

    @Test func leftoversOfThisRunAreSweptAndNobodyElses() async throws {
        let (report, spec) = try await world.committed()
        let nonce = String(repeating: "0", count: 32)
        try tree.file("data/.galaxy_s3.\(spec.run).\(nonce)", "cut off")
        try tree.file("data/.galaxy_s3.2-0123456789abcdef.\(nonce)", "under way")
        try tree.file("jobs/1/working/d/.galaxy_s3.\(spec.run).\(nonce)", "cut off")
        try await world.collect(report, spec)
        let left = try world.snapshot().contents.keys
            .filter { $0.lastComponent.starts(with: ".galaxy_s3".utf8) }
        #expect(try left == [tree.at("data/.galaxy_s3.2-0123456789abcdef.\(nonce)")])
    }

    @Test("invariant 1: runs that share a directory collect at once and do not disturb each other")
    func atOnce() async throws {
        let (report, spec) = try await world.committed()
        let collect = CollectRun(store: world.store, transfers: 2, meter: PhaseMeter("collect"))
        let other = try RunID("2-0123456789abcdef")
        var twin = try CollectPlan(report, of: spec, given: GivenPlaces(spec, world.description))
        twin.run = other
        let plans = [
            try CollectPlan(report, of: spec, given: GivenPlaces(spec, world.description)), twin,
        ]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for plan in plans { group.addTask { for _ in 0..<20 { try await collect(plan) } } }
            try await group.waitForAll()
        }
        #expect(try world.text("data/small.dat") == "small")
        #expect(
            try world.snapshot().contents.keys
                .allSatisfy { !$0.lastComponent.starts(with: ".galaxy_s3".utf8) }
        )
    }

    @Test func aDirectoryInTheWayIsNamedBeforeAnythingIsRenamed() async throws {
        let (report, spec) = try await world.committed()
        _ = try tree.at("data/small.dat").withCString { unlink($0) }
        try tree.file("data/small.dat/precious", "precious")
        let before = try world.snapshot().contents
        let error = await #expect(throws: StagingError.self) {
            try await world.collect(report, spec)
        }
        #expect(error?.what.contains("/data/small.dat") == true)
        #expect(try world.snapshot().contents == before)
    }

    @Test("B31: what the report does not name is not taken, though it is below the attempt's keys")
    func extraObjects() async throws {
        let (report, spec) = try await world.committed()
        let layout = spec.layout.keys
        try await DocumentStore(world.store).put([1], at: layout.data(spec.run, report.attempt, 50))
        try await world.collect(report, spec)
        let expected = report.files.map(\.path)
        let gets = world.store.calls.suffix(12).filter { $0.kind == .get }.compactMap(\.key)
        #expect(!gets.contains(layout.data(spec.run, report.attempt, 50)))
        #expect(!world.store.calls.contains { $0.kind == .list })
        #expect(try expected.allSatisfy { try #require(FileStatus(at: $0)).kind == .file })
    }

    @Test("invariant 2: Galaxy's placeholder is whole or as it was while bytes arrive")
    func placeholders() async throws {
        let seen = Late<Bool>()
        let place = Late<FilePath>()
        let store = InMemoryObjectStore { call in
            guard call.kind == .get, call.isDone, let path = place.get else { return }
            if FileStatus(at: path)?.stamp.size != 0 { seen.set(true) }
        }
        let world = try World(store)
        try world.addOutput("data/out.dat")
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        try world.write("data/out.dat", "result")
        let report = try await world.push(spec)
        try world.swap()
        place.set(try world.tree.at("data/out.dat"))
        try await world.collect(report, spec)
        #expect(seen.get == nil)
        #expect(try world.text("data/out.dat") == "result")
    }

    @Test("B31: a damaged or missing input is named, and the tool never sees it")
    func fetchOfDamagedInputs() async throws {
        try world.addInput("data/in.dat", [UInt8](repeating: 3, count: 5_000))
        let spec = try await world.spec()
        world.store.damage(spec.inputs[0].key, at: 4_000)
        let damaged = await #expect(throws: StagingError.self) { try await world.fetch(spec) }
        #expect(damaged?.code == .mismatch)
        #expect(damaged?.what.contains("/data/in.dat") == true)
        try await world.store.delete(spec.inputs[0].key)
        let missing = await #expect(throws: StagingError.self) { try await world.fetch(spec) }
        #expect(missing?.code == .lost)
        #expect(missing?.what.contains("/data/in.dat") == true)
        world.store.damage(spec.packs[0].key, at: 600)
        await #expect(throws: StagingError.self) { try await world.fetch(spec) }
    }

    @Test("invariant 7: a pack whose members lie outside the roots writes nothing there")
    func packOutside() async throws {
        let spec = try await world.spec()
        let name = try RelativePath(outside.path.bytes.dropFirst() + Array("/evil".utf8))
        let bytes = try TarTests.member(name.bytes, [6]) + TarFormat.end
        var forged = spec
        let key = try ObjectKey("evil")
        try await DocumentStore(world.store).put(bytes, at: key)
        forged.packs = [
            PackEntry(
                key: key,
                size: Int64(bytes.count),
                digest: .sha256(SHA256Digest(of: bytes)),
                files: 1
            )
        ]
        let error = await #expect(throws: StagingError.self) { try await world.fetch(forged) }
        #expect(error?.code == .refused)
        #expect(try TemporaryTree.snapshot(outside.path).count == 1)
    }

    @Test func fetchingAgainMakesTheSame() async throws {
        try world.addInput("data/in.dat", [UInt8](repeating: 3, count: 5_000), mode: 0o400)
        try tree.directory("jobs/1/working/shut")
        try tree.file("jobs/1/working/shut/x", "x")
        try TemporaryTree.setTimes(tree.at("jobs/1/working/shut"), TarTests.time, mode: 0o500)
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        let first = try world.snapshot()
        try world.write("data/in.dat", "overwritten")
        _ = try await world.fetch(spec)
        #expect(try differences(first.below(world.job), world.snapshot().below(world.job)).isEmpty)
        #expect(try first.contents == world.snapshot().contents)
    }
}
