// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client
import Synchronization
import TestSupport
import Testing

@testable import Staging

/// F66: bytes that change on their way, in packs, where a name may change as well.
@Suite struct DamagedPackTests {
    /// Damages objects, and heals each when it has been read.
    private final class Wire: Sendable {
        private let damaged = Mutex<[ObjectKey: [(index: Int, bits: UInt8)]]>([:])
        /// The store has the hook that has this, and lives while it is called.
        private struct Known {
            weak var store: InMemoryObjectStore?
        }

        private let known = Mutex(Known())

        func makeStore() -> InMemoryObjectStore {
            let store = InMemoryObjectStore { [self] call throws(S3Error) in
                guard call.kind == .get, call.isDone, let key = call.key else { return }
                for (index, bits) in damaged.withLock({ $0.removeValue(forKey: key) ?? [] }) {
                    flip(key, index, bits)
                }
            }
            known.withLock { $0.store = store }
            return store
        }

        func damage(_ key: ObjectKey, at index: Int, by bits: UInt8 = 0x20) {
            flip(key, index, bits)
            damaged.withLock { $0[key, default: []].append((index, bits)) }
        }

        /// Has other bytes there, as many as there are.
        func replace(_ key: ObjectKey, with bytes: [UInt8]) {
            let right = known.withLock { $0.store }?.storedBytes(key) ?? []
            for (index, byte) in bytes.enumerated() where byte != right[index] {
                damage(key, at: index, by: byte ^ right[index])
            }
        }

        func flip(_ key: ObjectKey, _ index: Int, _ bits: UInt8 = 0x20) {
            known.withLock { $0.store }?.damage(key, at: index, by: bits)
        }
    }

    private static func contents(_ tree: FilePath) throws -> [[UInt8]: String] {
        try FileTree(tree.logSafe).entries.mapValues { "\($0.kind) \($0.content)" }
    }

    @Test
    func
        `invariant 1, F66: a pack that was damaged on its way comes once more, and leaves nothing else`()
        async throws
    {
        let wire = Wire()
        let world = try World(wire.makeStore())
        try world.tree.file("jobs/1/configs/sub/a name that is no plain tar name, ü", [1, 2, 3])
        try world.tree.file("jobs/1/configs/settings", Array("sensitive".utf8))
        let spec = try await world.spec()
        let roots = try await world.fetch(spec)
        let right = try Self.contents(world.tree.path)
        let pack = try #require(spec.packs.first)
        let meter = PhaseMeter("fetch")
        var rounds = 0
        for index in stride(from: 0, to: Int(pack.size), by: 37) {
            wire.damage(pack.key, at: index)
            try await FetchRun(store: world.store, spec: spec, roots: roots, meter: meter)()
            #expect(try Self.contents(world.tree.path) == right, "byte \(index)")
            rounds += 1
        }
        #expect(meter.reading.bytes == meter.reading.totalBytes, "nothing is counted twice")
        let reads = world.store.calls.count { $0.kind == .get && $0.key == pack.key }
        #expect(reads == 1 + 2 * rounds)
    }

    @Test func `invariant 1, F66: so does a pack of results`() async throws {
        let wire = Wire()
        let world = try World(wire.makeStore())
        try world.tree.file("jobs/1/working/a name that is no plain tar name, ü", [1, 2, 3])
        try world.tree.file("jobs/1/working/result", Array("sensitive".utf8))
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        let report = try await world.push(spec)
        let pack = try #require(report.packs.first)
        #expect(pack.digest.kind == .crc64nvme)
        try await world.collect(report, spec)
        let right = try Self.contents(world.tree.path)
        var rounds = 0
        for index in stride(from: 0, to: Int(pack.size), by: 37) {
            wire.damage(pack.key, at: index)
            try await world.collect(report, spec)
            #expect(try Self.contents(world.tree.path) == right, "byte \(index)")
            rounds += 1
        }
        let reads = world.store.calls.count { $0.kind == .get && $0.key == pack.key }
        #expect(reads == 1 + 2 * rounds)
    }

    @Test func `a pack that stays damaged is refused after four attempts`() async throws {
        let wire = Wire()
        let world = try World(wire.makeStore())
        let spec = try await world.spec()
        let pack = try #require(spec.packs.first)
        wire.flip(pack.key, 5)
        let error = await #expect(throws: StagingError.self) { _ = try await world.fetch(spec) }
        #expect(error?.code == .mismatch)
        #expect(world.store.calls.count { $0.kind == .get && $0.key == pack.key } == 4)
    }

    @Test func `a damaged name that is another file's costs that file nothing`() async throws {
        let wire = Wire()
        let world = try World(wire.makeStore())
        try world.addInput("data/large", [UInt8](repeating: 7, count: 5_000))
        try world.addInput("data/small", Array("of another pack".utf8))
        try world.tree.file("jobs/1/configs/settings", Array("sensitive".utf8))
        let spec = try await world.spec()
        let roots = try await world.fetch(spec)
        let right = try Self.contents(world.tree.path)
        let pack = try #require(spec.packs.first { $0.key.description.contains("/pack/") })
        for victim in ["data/large", "data/small"] {
            var forged = try PackTests.whole(
                PackSource(
                    PackPlan([SurveyedFile(emptyAt: try world.tree.at(victim))], times: .own)
                )
            )
            forged += [UInt8](repeating: 0, count: Int(pack.size) - forged.count)
            wire.replace(pack.key, with: forged)
            try await FetchRun(
                store: world.store,
                spec: spec,
                roots: roots,
                meter: PhaseMeter("fetch")
            )()
            #expect(try Self.contents(world.tree.path) == right, "\(victim)")
        }
    }
}
