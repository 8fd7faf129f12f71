// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Glibc
import Names
import S3Client
import Synchronization
import TestSupport
import Testing
import Transport

@testable import Staging

/// Output mode `link`: what stands in place of an output, and when it does not.
@Suite struct LinkTests {
    private let large = [UInt8](repeating: 5, count: 5_000)

    /// What the keeper had to say.
    private final class Notes: Sendable {
        private let texts = Mutex<[String]>([])
        func add(_ text: String) { texts.withLock { $0.append(text) } }
        var all: [String] { texts.withLock { $0 } }
    }

    private func world(_ mounted: MountedStore) throws -> World {
        let world = try World(mounted.store)
        world.mount = mounted.mount
        try world.addOutput("data/large.dat", extra: "data/large_files")
        try world.addOutput("data/small.dat")
        try world.addOutput("data/empty.dat")
        return world
    }

    private func committed(_ world: World) async throws -> (AttemptReport, RunSpec) {
        let spec = try await world.spec(ownOutputs: true)
        _ = try await world.fetch(spec)
        try TemporaryTree.write(large, to: world.tree.at("data/large.dat"))
        try world.write("data/small.dat", "small")
        try world.tree.file("data/large_files/part", large)
        try world.write("jobs/1/working/found", "found")
        try world.write("jobs/1/galaxy_1.ec", "0")
        let report = try await world.push(spec)
        try world.swap()
        return (report, spec)
    }

    private func keeper(
        _ world: World,
        _ mount: BucketMount,
        _ notes: Notes = Notes(),
        later: Int64 = 0
    ) -> LinkKeeper {
        let look = MountLook(
            mount,
            store: world.store,
            layout: world.layout,
            patience: .seconds(600)
        )
        let now = FileTime(seconds: InMemoryObjectStore.firstModified + 1_000 + later)
        return LinkKeeper(look: look, transfers: 4, now: { now }, note: { notes.add($0) })
    }

    private func collect(
        _ world: World,
        _ keeper: LinkKeeper,
        _ report: AttemptReport,
        _ spec: RunSpec
    ) async throws {
        var plan = try OutputPlan(
            report,
            of: spec,
            given: GivenPlaces(spec, world.description),
            mode: .link
        )
        try await keeper.examine(&plan)
        let collect = CollectRun(store: world.store, transfers: 4, meter: PhaseMeter("collect"))
        try await collect(plan.collected)
        try await keeper.settle(plan)
    }

    private func links(_ world: World) throws -> [String] {
        try world.snapshot()
            .compactMap { path, entry in
                guard case .link = entry else { return nil }
                return String(
                    decoding: path.relative(to: world.tree.path)?.bytes ?? [],
                    as: UTF8.self
                )
            }
            .sorted()
    }

    @Test(arguments: ["", "p"])
    func outputsBecomeLinksToTheirObjects(_ prefix: String) async throws {
        let mounted = try MountedStore(prefix: prefix)
        let world = try world(mounted)
        let (report, spec) = try await committed(world)
        let notes = Notes()
        let gets = mounted.store.calls.filter { $0.kind == .get }.count
        try await collect(world, keeper(world, mounted.mount, notes), report, spec)
        #expect(try links(world) == ["data/large.dat", "data/small.dat"])
        #expect(try mounted.seen(world.tree.at("data/large.dat")) == large)
        #expect(try mounted.seen(world.tree.at("data/small.dat")) == Array("small".utf8))
        // A file, and no byte of what is linked was read.
        #expect(try world.text("data/empty.dat").isEmpty)
        #expect(try world.text("jobs/1/working/found") == "found")
        #expect(try TemporaryTree.read(world.tree.at("data/large_files/part")) == large)
        let read = mounted.store.calls.filter { $0.kind == .get }.dropFirst(gets).compactMap(\.key)
        #expect(Set(read).isDisjoint(with: report.kept(spec)))
        #expect(notes.all.isEmpty)
        #expect(!mounted.store.keys.contains { $0.hasPrefix("p/mount/".utf8) })
        // Done twice, it changes nothing.
        let before = try world.snapshot().filesAlone
        try await collect(world, keeper(world, mounted.mount), report, spec)
        #expect(differences(before, try world.snapshot().filesAlone) == [])
    }

    @Test(
        "invariant 2: a mount that does not show the bucket as it is gets no link",
        arguments: [MountedStore.Behaviour.empty, .another, .lags]
    )
    func mountsThatCannotBeTrusted(_ behaviour: MountedStore.Behaviour) async throws {
        let mounted = try MountedStore(behaviour)
        let world = try world(mounted)
        let (report, spec) = try await committed(world)
        let notes = Notes()
        try await collect(world, keeper(world, mounted.mount, notes), report, spec)
        #expect(try links(world).isEmpty)
        #expect(try TemporaryTree.read(world.tree.at("data/large.dat")) == large)
        #expect(try world.text("data/small.dat") == "small")
        #expect(notes.all.count == 1)
        #expect(notes.all.first?.hasPrefix("The outputs are copied, not linked: ") == true)
    }

    @Test(
        "invariant 2: of a store that keeps no checksum, bytes are read before they are linked",
        arguments: [false, true]
    )
    func noChecksums(_ isDamaged: Bool) async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let (report, spec) = try await committed(world)
        let path = try world.tree.at("data/large.dat")
        let file = try #require(report.files.first { $0.path == path })
        guard case .object(let key) = file.location else {
            Issue.record("the output is no object")
            return
        }
        mounted.store.forgetChecksums()
        if isDamaged { mounted.store.damage(key, at: 4_000) }
        let gets = mounted.store.calls.count { $0.kind == .get && $0.key == key }
        let keeper = keeper(world, mounted.mount)
        guard isDamaged else {
            try await collect(world, keeper, report, spec)
            #expect(try links(world) == ["data/large.dat", "data/small.dat"])
            let read = mounted.store.calls.filter { $0.kind == .get && $0.key == key }
            #expect(read.count { !$0.isDone } == gets + 1, "once")
            return
        }
        let error = await #expect(throws: StagingError.self) {
            try await collect(world, keeper, report, spec)
        }
        #expect(error?.code == .mismatch)
        #expect(try links(world).isEmpty)
    }

    @Test func whatTheMountDoesNotShowYetIsCopied() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let (report, spec) = try await committed(world)
        let small = try world.tree.at("data/small.dat")
        let file = try #require(report.files.first { $0.path == small })
        guard case .object(let key) = file.location else {
            Issue.record("the output is no object")
            return
        }
        try mounted.hide(key)
        let notes = Notes()
        try await collect(world, keeper(world, mounted.mount, notes), report, spec)
        #expect(try links(world) == ["data/large.dat"])
        #expect(try world.text("data/small.dat") == "small")
        #expect(notes.all.count == 1)
    }

    @Test("what is old enough to be freed by somebody is copied")
    func whatWasStoredLongAgoIsCopied() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let (report, spec) = try await committed(world)
        let notes = Notes()
        let keeper = keeper(world, mounted.mount, notes, later: LinkKeeper.longestAge)
        try await collect(world, keeper, report, spec)
        #expect(try links(world).isEmpty)
        #expect(try TemporaryTree.read(world.tree.at("data/large.dat")) == large)
        #expect(notes.all == ["2 outputs are copied, not linked: they were stored too long ago."])
    }

    @Test func whoNeverAnswersIsNotWaitedFor() async {
        let gate = Late<Bool>()
        let answer = await Threads.value(within: .milliseconds(20)) {
            while gate.get == nil { usleep(1_000) }
            return "late"
        }
        gate.set(true)
        #expect(answer == nil)
        let other = await Threads.value(within: .seconds(60)) { "in time" }
        #expect(other == "in time")
    }

    @Test("many runs that look at once wait for each other, and none takes the mount for dead")
    func manyLooks() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let look = MountLook(
            mounted.mount,
            store: world.store,
            layout: world.layout,
            patience: .seconds(600)
        )
        let troubles: [String?] = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<100 { group.addTask { try await look.trouble() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(troubles.count == 100)
        #expect(troubles.allSatisfy { $0 == nil })
    }

    @Test("invariant 2: an object that is damaged or gone replaces nothing")
    func damagedObjects() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let (report, spec) = try await committed(world)
        let before = try world.snapshot()
        for key in report.kept(spec) {
            let bytes = try #require(mounted.store.storedBytes(key))
            try await mounted.store.delete(key)
            let keeper = keeper(world, mounted.mount)
            await #expect(throws: StagingError.self) {
                try await collect(world, keeper, report, spec)
            }
            #expect(differences(before, try world.snapshot()).isEmpty)
            try await put(bytes + [0], key, in: mounted.store)
            await #expect(throws: StagingError.self) {
                try await collect(world, keeper, report, spec)
            }
            try await put(bytes.map { $0 ^ 1 }, key, in: mounted.store)
            await #expect(throws: StagingError.self) {
                try await collect(world, keeper, report, spec)
            }
            #expect(differences(before, try world.snapshot()).isEmpty)
            try await put(bytes, key, in: mounted.store)
        }
        try await collect(world, keeper(world, mounted.mount), report, spec)
        #expect(try links(world) == ["data/large.dat", "data/small.dat"])
    }

    @Test("invariant 6: cut off at any put, done again, it is right; a link never lacks its record")
    func cutOff() async throws {
        for number in 0...3 {
            let mounted = try MountedStore()
            let world = try world(mounted)
            let (report, spec) = try await committed(world)
            let keeper = keeper(world, mounted.mount)
            mounted.cut(afterPuts: number)
            let isCut = (try? await collect(world, keeper, report, spec)) == nil
            #expect(isCut == (number < 3))
            mounted.cut(afterPuts: nil)
            for name in try links(world) {
                let place = try world.tree.at(name)
                let file = try #require(report.files.first { $0.path == place })
                guard case .object(let key) = file.location else { continue }
                let record = world.layout.link(place, to: key)
                #expect(mounted.store.storedBytes(record) != nil, "\(name) has no record")
            }
            try await collect(world, self.keeper(world, mounted.mount), report, spec)
            #expect(try links(world) == ["data/large.dat", "data/small.dat"])
        }
    }

    private func put(_ bytes: [UInt8], _ key: ObjectKey, in store: InMemoryObjectStore) async throws
    {
        _ = try await store.put(
            key,
            body: .bytes(bytes),
            checksum: .init(of: bytes),
            options: PutOptions()
        )
    }

    // MARK: A following job

    /// A world of a second job, whose inputs are the first one's outputs.
    private func following(_ world: World) throws {
        world.run = try RunID("1-fedcba9876543210")
        world.description.outputs = []
        for name in ["data/large.dat", "data/small.dat", "data/empty.dat"] {
            world.description.inputs.append(
                .init(path: try world.tree.at(name), extraFiles: nil, metadataFiles: nil)
            )
        }
    }

    @Test(
        "invariant 10: an input that is a link is taken where it is, and nobody looks through the mount"
    )
    func aFollowingJobStagesNothing() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let (report, spec) = try await committed(world)
        try await collect(world, keeper(world, mounted.mount), report, spec)
        try following(world)
        for key in report.kept(spec) { try mounted.hide(key) }
        let calls = mounted.store.calls.count
        let next = try await world.spec()
        let made = mounted.store.calls.dropFirst(calls)
        #expect(Set(next.inputs.map(\.key)).isSuperset(of: report.kept(spec)))
        for input in next.inputs {
            let file = try #require(report.files.first { $0.path == input.path })
            #expect((input.size, input.mode) == (file.size, file.mode))
            #expect((input.digest, input.modified) == (file.digest, file.modified))
        }
        let uploads = made.filter { $0.kind == .put }.compactMap(\.key)
        #expect(!uploads.contains { $0.hasPrefix("p/stage".utf8) })
        #expect(made.filter { $0.kind == .get }.count == 2)
        _ = try await world.fetch(next)
        #expect(try TemporaryTree.read(world.tree.at("data/large.dat")) == large)
        #expect(try world.text("data/small.dat") == "small")
    }

    @Test func aLinkWithoutItsRecordIsReadLikeAnyFile() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let (report, spec) = try await committed(world)
        try await collect(world, keeper(world, mounted.mount), report, spec)
        try following(world)
        for key in mounted.store.keys where key.hasPrefix("p/links/".utf8) {
            try await mounted.store.delete(key)
        }
        let next = try await world.spec()
        #expect(Set(next.inputs.map(\.key)).isDisjoint(with: report.kept(spec)))
        _ = try await world.fetch(next)
        #expect(try TemporaryTree.read(world.tree.at("data/large.dat")) == large)
    }

    @Test("a link to another object than its record names is not taken for it")
    func aLinkThatWasChanged() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let (report, spec) = try await committed(world)
        try await collect(world, keeper(world, mounted.mount), report, spec)
        try following(world)
        let other = try ObjectKey("p/other")
        let bytes = [UInt8](repeating: 9, count: 3_000)
        try await put(bytes, other, in: mounted.store)
        let place = try world.tree.at("data/large.dat")
        #expect(place.withCString { unlink($0) } == 0)
        let target = try #require(mounted.mount.path(of: other))
        try TemporaryTree.link(place, to: target.bytes)
        let next = try await world.spec()
        _ = try await world.fetch(next)
        #expect(try TemporaryTree.read(place) == bytes)
    }
}

extension AttemptReport {
    /// The keys of declared outputs that are objects.
    fileprivate func kept(_ spec: RunSpec) -> [ObjectKey] {
        files.filter { file in spec.outputs.contains { $0.path == file.path } }
            .compactMap { if case .object(let key) = $0.location { key } else { nil } }
    }
}
