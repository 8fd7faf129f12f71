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

/// Something a fault hook does once it knows on what.
final class Late<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)

    func set(_ value: Value) { self.value.withLock { $0 = value } }

    var get: Value? { value.withLock { $0 } }

    /// For what holds the hook in turn, when it is over.
    func forget() { value.withLock { $0 = nil } }
}

@Suite struct StageRunTests {
    private func puts(_ store: InMemoryObjectStore) -> [ObjectKey] {
        store.calls.filter { $0.kind == .put || $0.kind == .createMultipart }.compactMap(\.key)
    }

    @Test("invariant 10: the second run uploads nothing but its pack")
    func secondRun() async throws {
        let world = try World.withTool()
        let first = try await world.spec()
        let before = puts(world.store)
        #expect(before.count == 5)
        world.run = try RunID("1-fedcba9876543210")
        let second = try await world.spec()
        let added = Array(puts(world.store).dropFirst(before.count))
        #expect(added.count == 1)
        #expect(added.allSatisfy { $0.hasPrefix(world.layout.runPrefix(world.run).utf8) })
        #expect(second.inputs == first.inputs)
        #expect(second.packs.dropFirst() == first.packs.dropFirst())
        let kinds = world.store.calls.suffix(5).map(\.kind)
        #expect(!kinds.contains(.list))
    }

    @Test("a pack that may be about to be freed is stored anew, at its old name")
    func anOldPack() async throws {
        let world = try World.withTool()
        let first = try await world.spec()
        for (age, isNew) in [(-60, false), (1_000, true)] as [(Int64, Bool)] {
            world.run = RunID(drawnFor: try #require(GalaxyJobID("1")))
            let before = puts(world.store).count
            let now = InMemoryObjectStore.firstModified + LinkKeeper.longestAge + age
            world.now = { FileTime(seconds: now) }
            let next = try await world.spec()
            let packs = first.packs.dropFirst().map(\.key)
            #expect(next.packs.dropFirst().map(\.key) == packs)
            let added = puts(world.store).dropFirst(before)
            #expect(added.filter { packs.contains($0) }.count == (isNew ? packs.count : 0))
        }
    }

    @Test func aTouchedFileIsAnotherVersion() async throws {
        let world = try World.withTool()
        let first = try await world.spec()
        try TemporaryTree.write(
            [UInt8](repeating: 8, count: 5_000),
            to: world.tree.at("data/large.dat")
        )
        let second = try await world.spec()
        #expect(first.inputs.map(\.key) != second.inputs.map(\.key))
        #expect(first.inputs.map(\.digest) != second.inputs.map(\.digest))
    }

    @Test("a file that is racily new gets no record, however long its upload takes")
    func racy() async throws {
        let clock = Late<FileTime>()
        let store = InMemoryObjectStore { call in
            // The upload takes a minute.
            if call.kind == .put, let now = clock.get {
                clock.set(FileTime(seconds: now.seconds + 60))
            }
        }
        let world = try World.withTool(store)
        clock.set(Clock.fileTime())
        let stage = StageRun(
            store: store,
            layout: world.layout,
            run: world.run,
            transfers: 1,
            meter: PhaseMeter("stage"),
            uploads: KeyedLock(),
            now: { clock.get ?? FileTime(seconds: 0) }
        )
        var plan = try world.plan()
        plan.runPack = []
        plan.dataPack = []
        plan.toolPack = []
        let staged = try await stage(plan)
        #expect(staged.inputs.count == 1)
        #expect(!store.keys.contains { $0.hasPrefix("p/staged/".utf8) })
        // The next one, with the file as it was, is sure.
        _ = try await world.stageRun()(plan)
        #expect(store.keys.contains { $0.hasPrefix("p/staged/".utf8) })
    }

    @Test func theRacyRuleIsTwoSecondsOfEitherTime() {
        func stamp(_ modified: Int64, _ changed: Int64) -> FileStamp {
            FileStamp(
                device: 1,
                inode: 1,
                size: 1,
                modified: FileTime(seconds: modified),
                changed: FileTime(seconds: changed)
            )
        }
        let now = FileTime(seconds: 1_000)
        #expect(!stamp(998, 998).isRacy(at: now))
        #expect(stamp(999, 0).isRacy(at: now))
        #expect(stamp(0, 999).isRacy(at: now))
        #expect(stamp(5_000, 0).isRacy(at: now))
    }

    @Test("invariant 3: two heads at once leave one record, and the loser's object is deleted")
    func twoAtOnce() async throws {
        let world = try World.withTool()
        let plan = try world.plan()
        let runs = (0..<4).map { _ in world.stageRun() }
        let staged = try await withThrowingTaskGroup(of: StageRun.Staged.self) { group in
            for run in runs { group.addTask { try await run(plan) } }
            var all: [StageRun.Staged] = []
            for try await one in group { all.append(one) }
            return all
        }
        #expect(Set(staged.flatMap(\.inputs).map(\.key)).count == 1)
        #expect(world.store.keys.filter { $0.hasPrefix("p/staged/".utf8) }.count == 1)
        #expect(world.store.keys.filter { $0.hasPrefix("p/stage/".utf8) }.count == 1)
        // Two content-named packs, and a pack for each run.
        #expect(world.store.keys.filter { $0.hasPrefix("p/packs/".utf8) }.count == 2)
    }

    @Test(
        "invariant 3: losing the race for the record or for a pack is no error",
        arguments: ["p/staged/", "p/packs/"]
    )
    func lostRace(_ prefix: String) async throws {
        let other = Late<(StageRun, StagePlan)>()
        let isFirst = Counter()
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .put, !call.isDone, call.key?.hasPrefix(prefix.utf8) == true,
                let (run, plan) = other.get, isFirst.next() == 1
            else { return }
            // Another head does all of it right before ours is stored.
            do { _ = try await run(plan) } catch {
                throw S3Error(.unreachable, what: "\(error)")
            }
        }
        let world = try World.withTool(store)
        let plan = try world.plan()
        other.set((world.stageRun(), plan))
        defer { other.forget() }
        let staged = try await StageRun(
            store: store,
            layout: world.layout,
            run: world.run,
            transfers: 1,
            meter: PhaseMeter("stage"),
            uploads: KeyedLock(),
            now: World.later
        )(plan)
        #expect(isFirst.value > 1)
        let stageKeys = store.keys.filter { $0.hasPrefix("p/stage/".utf8) }
        #expect(stageKeys == staged.inputs.map(\.key))
        #expect(store.keys.filter { $0.hasPrefix("p/packs/".utf8) }.count == 2)
    }

    @Test("invariant 3: of a record that was first and is our own, the object stays")
    func ownRecordWasFirst() async throws {
        // The put was done, its answer lost, and the store that repeats it is told 412.
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .put, call.isDone, call.key?.hasPrefix("p/staged/".utf8) == true
            else { return }
            throw S3Error(.preconditionFailed, what: "the first put's own doing")
        }
        let world = try World.withTool(store)
        let staged = try await world.stageRun()(try world.plan())
        let input = try #require(staged.inputs.first)
        #expect(store.storedBytes(input.key)?.count == 5_000)
        #expect(store.keys.filter { $0.hasPrefix("p/stage/".utf8) } == staged.inputs.map(\.key))
    }

    @Test("B19: a file that changes during its upload is an error that names it, and has no record")
    func changing() async throws {
        let victim = Late<FilePath>()
        let store = InMemoryObjectStore { call in
            guard call.kind == .put, call.isDone, let path = victim.get else { return }
            _ = path.withCString { truncate($0, 4_999) }
        }
        let world = try World.withTool(store)
        victim.set(try world.tree.at("data/large.dat"))
        let error = await #expect(throws: StagingError.self) { try await world.spec() }
        #expect(error?.code == .changed)
        #expect(error?.what.contains("/data/large.dat") == true)
        #expect(!store.keys.contains { $0.hasPrefix("p/staged/".utf8) })
    }

    @Test func anUploadThatIsRefusedNamesTheFile() async throws {
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .put, call.key?.hasPrefix("p/stage/".utf8) == true else { return }
            throw S3Error(.accessDenied, what: "Access denied", remedy: "Allow s3:PutObject.")
        }
        let world = try World.withTool(store)
        let error = await #expect(throws: StagingError.self) { try await world.spec() }
        #expect(error?.code == .store)
        #expect(error?.what.contains("/data/large.dat") == true)
        #expect(error?.line.contains("Allow s3:PutObject.") == true)
        #expect(error?.isRetryable == false)
    }

    @Test("invariant 2: what is stored is looked at before anybody relies on it")
    func storedWrong() async throws {
        let swap = Late<InMemoryObjectStore>()
        let store = InMemoryObjectStore { call in
            guard call.kind == .head, !call.isDone, let store = swap.get, let key = call.key else {
                return
            }
            try? await store.delete(key)
            _ = try? await store.put(
                key,
                body: .bytes([1]),
                checksum: CRC64NVME(of: [1]),
                options: PutOptions()
            )
        }
        let world = try World.withTool(store)
        swap.set(store)
        defer { swap.forget() }
        world.description.toolFiles = []
        let error = await #expect(throws: StagingError.self) { try await world.spec() }
        #expect(error?.code == .mismatch)
        #expect(!store.keys.contains { $0.hasPrefix("p/staged/".utf8) })
    }

    @Test func whatVanishedAfterItsUploadIsLost() async throws {
        let late = Late<InMemoryObjectStore>()
        let store = InMemoryObjectStore { call in
            if call.kind == .head, !call.isDone, let key = call.key {
                try? await late.get?.delete(key)
            }
        }
        late.set(store)
        defer { late.forget() }
        let world = try World.withTool(store)
        let error = await #expect(throws: StagingError.self) { try await world.spec() }
        #expect(error?.code == .lost)
    }

    @Test("B59: a record of another file or size under our key is not believed")
    func foreignRecord() async throws {
        let world = try World.withTool()
        let first = try await world.spec()
        let recordKey = try #require(world.store.keys.first { $0.hasPrefix("p/staged/".utf8) })
        for change in [0, 1] {
            var record = StagedRecord(
                path: first.inputs[0].path,
                key: first.inputs[0].key,
                size: first.inputs[0].size,
                digest: try #require(first.inputs[0].digest)
            )
            if change == 0 { record.path = try FilePath("/other") } else { record.size += 1 }
            try await world.store.delete(recordKey)
            try await DocumentStore(world.store)
                .put(try ContractCoding.encode(record), at: recordKey)
            let again = try await world.spec()
            #expect(again.inputs[0].key != first.inputs[0].key)
            #expect(again.inputs[0].digest == first.inputs[0].digest)
        }
        try await world.store.delete(recordKey)
        try await DocumentStore(world.store).put(Array("{".utf8), at: recordKey)
        let error = await #expect(throws: StagingError.self) { try await world.spec() }
        #expect(error?.code == .store)
        #expect((error?.cause as? S3Error)?.code == .badAnswer)
        #expect(world.store.storedBytes(recordKey) == Array("{".utf8), "it is somebody's")
    }

    @Test func whatIsLostIsStagedAgainOnlyIfItIsTheSame() async throws {
        let world = try World.withTool()
        let spec = try await world.spec()
        let restage = RestageRun(store: world.store, layout: world.layout, transfers: 2)
        let plan = try world.plan()
        #expect(try await !restage(spec, plan).isRestored)
        try await world.store.delete(spec.inputs[0].key)
        #expect(try await restage(spec, plan).isRestored)
        #expect(world.store.storedBytes(spec.inputs[0].key)?.count == 5_000)
        for pack in spec.packs {
            let before = world.store.storedBytes(pack.key)
            try await world.store.delete(pack.key)
            #expect(try await restage(spec, plan).isRestored)
            #expect(world.store.storedBytes(pack.key) == before)
        }
        var other = spec.packs[0]
        other.digest = .sha256(SHA256Digest(of: []))
        other.key = try ObjectKey("not-there")
        var lost = spec
        lost.packs = [other]
        let pack = await #expect(throws: StagingError.self) { try await restage(lost, plan) }
        #expect(pack?.code == .changed)
        try await world.store.delete(spec.inputs[0].key)
        try TemporaryTree.write(
            [UInt8](repeating: 9, count: 5_000),
            to: world.tree.at("data/large.dat")
        )
        let error = await #expect(throws: StagingError.self) { try await restage(spec, plan) }
        #expect(error?.code == .changed)
        #expect(error?.what.contains("/data/large.dat") == true)
        #expect(world.store.storedBytes(spec.inputs[0].key) == nil, "the shared key stays free")
    }

    @Test(arguments: [5_000, 4_999]) func whatIsDamagedIsReportedAndStagedAfreshByTheNextRun(
        _ size: Int
    ) async throws {
        let world = try World.withTool()
        let spec = try await world.spec()
        let damaged = [UInt8](repeating: 1, count: size)
        for key in [spec.inputs[0].key] + spec.packs.map(\.key) {
            _ = try await world.store.put(
                key,
                body: .bytes(damaged),
                checksum: CRC64NVME(of: damaged),
                options: PutOptions()
            )
        }
        let restage = RestageRun(store: world.store, layout: world.layout, transfers: 2)
        let findings = try await restage(spec, try world.plan())
        #expect(!findings.isRestored)
        #expect(
            findings.damaged.map(\.key) == [spec.inputs[0].key] + spec.packs.map(\.key)
        )
        #expect(findings.damaged[0].name.contains("/data/large.dat"))
        #expect(world.store.storedBytes(spec.inputs[0].key) == damaged, "it is left as it is")
        let head = try world.snapshot().contents
        world.run = try RunID("1-fedcba9876543210")
        let next = try await world.spec()
        #expect(next.inputs[0].key != spec.inputs[0].key)
        #expect(Set(next.packs.map(\.key)).isDisjoint(with: spec.packs.map(\.key)))
        _ = try await world.fetch(next)
        #expect(try world.snapshot().contents == head)
    }

    @Test("invariant 6: staging cut off at any call is staged again and right")
    func cutOff() async throws {
        for number in 1...14 {
            let calls = Counter()
            let cut = Late<Int>()
            let store = InMemoryObjectStore { _ throws(S3Error) in
                if calls.next() == cut.get { throw S3Error(.unreachable, what: "cut") }
            }
            let world = try World.withTool(store)
            cut.set(number)
            _ = try? await world.spec()
            cut.set(-1)
            let spec = try await world.spec()
            let head = try world.snapshot().contents
            _ = try await world.fetch(spec)
            #expect(try world.snapshot().contents == head)
        }
    }
}
