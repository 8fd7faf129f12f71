// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import TestSupport
import Testing
import Transport

@testable import Staging

/// Several jobs of one head that want the same files at once.
@Suite struct StageTogetherTests {
    private let uploads = KeyedLock()

    /// The record that a head makes of the one input that is no part of a pack.
    private func record(_ world: World) throws -> ObjectKey {
        let file = try #require(try world.plan().shared.first)
        return world.layout.staged(file.path, version: file.stamp.digest)
    }

    private func puts(_ store: InMemoryObjectStore, _ prefix: String) -> Int {
        store.calls.count { $0.kind == .put && $0.key?.hasPrefix(prefix.utf8) == true }
    }

    /// A store that takes a shared file or pack only when `count` others wait for it, or somebody else
    /// brings it too. Where `isClosed`, it refuses the first file, and no pack waits.
    private func store(
        until count: Int,
        _ record: Late<ObjectKey>,
        isClosed: Bool = false
    ) -> InMemoryObjectStore {
        let log = TestLog()
        return InMemoryObjectStore { [uploads] (call) async throws(S3Error) in
            guard call.kind == .put, !call.isDone, let key = call.key else { return }
            // A file's line is that of its record, a pack's its own.
            let isFile = key.hasPrefix("p/stage/".utf8)
            guard isFile || !isClosed && key.hasPrefix("p/packs/".utf8), let record = record.get
            else { return }
            let line = InMemoryObjectStore().url(of: isFile ? record : key)
            log.add(line)
            await until {
                uploads.waiting(for: line) == count || log.all.count { $0 == line } > 1
            }
            guard isClosed, isFile, log.all.count(where: { $0 == line }) == 1 else { return }
            throw S3Error(.accessDenied, what: "Access denied")
        }
    }

    private func stage(
        _ count: Int,
        _ world: World
    ) async throws -> [Result<StageRun.Staged, any Error>] {
        let plan = try world.plan()
        let runs = (0..<count).map { _ in world.stageRun(uploads: uploads) }
        return await withTaskGroup(of: Result<StageRun.Staged, any Error>.self) { group in
            for run in runs {
                group.addTask {
                    do { return .success(try await run(plan)) } catch { return .failure(error) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test func `one uploads, and all have it`() async throws {
        let key = Late<ObjectKey>()
        let store = store(until: 7, key)
        let world = try World.withTool(store)
        key.set(try record(world))
        let staged = try await stage(8, world).map { try $0.get() }
        #expect(Set(staged.flatMap(\.inputs).map(\.key)).count == 1)
        #expect(staged.allSatisfy { $0.inputs == staged[0].inputs && $0.packs.count == 3 })
        #expect(puts(store, "p/stage/") == 1)
        #expect(puts(store, "p/staged/") == 1)
        #expect(puts(store, "p/packs/") == 2, "the tool's and the data's")
        #expect(!store.calls.contains { $0.kind == .delete })
    }

    @Test func `where the first one fails another uploads`() async throws {
        let key = Late<ObjectKey>()
        let store = store(until: 3, key, isClosed: true)
        let world = try World.withTool(store)
        key.set(try record(world))
        let results = try await stage(4, world)
        let staged = results.compactMap { try? $0.get() }
        #expect(staged.count == 3)
        #expect(Set(staged.flatMap(\.inputs).map(\.key)).count == 1)
        #expect(puts(store, "p/staged/") == 1)
        let input = try #require(staged.first?.inputs.first)
        #expect(store.storedBytes(input.key)?.count == 5_000)
    }

    @Test func `a job that is cancelled does not wait for the upload of another`() async throws {
        let gate = TestGate()
        defer { gate.open() }
        let store = InMemoryObjectStore { call in
            guard call.kind == .put, !call.isDone, call.key?.hasPrefix("p/stage/".utf8) == true
            else { return }
            await gate.wait()
        }
        let world = try World.withTool(store)
        let plan = try world.plan()
        let line = store.url(of: try record(world))
        let (one, other) = (world.stageRun(uploads: uploads), world.stageRun(uploads: uploads))
        let first = Task { try await one(plan) }
        await until { puts(store, "p/stage/") == 1 }
        let second = Task { try await other(plan) }
        await until { uploads.waiting(for: line) == 1 || puts(store, "p/stage/") == 2 }
        try #require(puts(store, "p/stage/") == 1)
        second.cancel()
        let error = await #expect(throws: StagingError.self) { try await second.value }
        #expect(error?.code == .cancelled)
        gate.open()
        #expect(try await first.value.inputs.count == 1)
    }

    @Test func `where a pack is damaged each job stores its own, and waits for nobody`()
        async throws
    {
        let key = Late<ObjectKey>()
        let (crowd, waiting) = (Crowd(), Counter())
        let store = InMemoryObjectStore { [uploads] call in
            guard call.kind == .put, !call.isDone, let pack = key.get,
                call.key?.hasPrefix(pack.bytes) == true, call.key != pack
            else { return }
            crowd.enter()
            let line = InMemoryObjectStore().url(of: pack)
            await until {
                if uploads.waiting(for: line) > 0 { _ = waiting.next() }
                return crowd.most == 4 || waiting.value > 0
            }
            crowd.leave()
        }
        let world = try World.withTool(store)
        let pack = try #require(try await world.spec().packs.last)
        try await store.delete(pack.key)
        _ = try await store.put(
            pack.key,
            body: .bytes([1]),
            checksum: CRC64NVME(of: [1]),
            options: PutOptions()
        )
        key.set(pack.key)
        let staged = try await stage(4, world).map { try $0.get() }
        #expect(crowd.most == 4)
        #expect(Set(staged.compactMap(\.packs.last).map(\.key)).count == 4)
        #expect(store.storedBytes(pack.key) == [1])
    }
}
