// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import TestSupport
import Testing

@testable import Staging

/// Inputs that Galaxy keeps in its own S3 object store, behind a cache on the head.
@Suite struct GalaxyObjectTests {
    private static let bytes = [UInt8](repeating: 9, count: 5_000)

    /// A world with one input at `data/x.dat`, which is `key` in Galaxy's store.
    private func world(
        stored: [UInt8]? = bytes,
        cached: [UInt8]? = nil,
        size: Int64? = Int64(bytes.count),
        metadata: [String: String] = [:]
    ) async throws -> (World, ObjectKey) {
        let world = try World()
        let key = try ObjectKey("0/1/2/dataset_x.dat")
        if let stored {
            let options = PutOptions(metadata: metadata)
            _ = try await world.store.put(key, bytes: stored, options: options)
        }
        if let cached { try world.tree.file("data/x.dat", cached) }
        let object = JobDescription.StoreObject(bucket: "galaxy", key: key, size: size)
        world.description.inputs = [.init(path: try world.tree.at("data/x.dat"), object: object)]
        return (world, key)
    }

    private func puts(_ world: World) -> Int {
        world.store.calls.count { [.put, .createMultipart].contains($0.kind) }
    }

    @Test("the object is the staged object: nothing of it passes the head")
    func named() async throws {
        let (world, key) = try await world()
        let before = puts(world)
        let meter = PhaseMeter("stage")
        let staged = try await world.stageRun(meter)(world.plan())
        #expect(staged.inputs.map(\.key) == [key])
        #expect(puts(world) == before + 1, "the job directory's pack alone")
        #expect(!world.store.calls.contains { $0.kind == .get && $0.key == key })
        #expect(meter.reading.alreadyThere == 1)
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        #expect(try TemporaryTree.read(world.tree.at("data/x.dat")) == Self.bytes)
    }

    @Test("an object that is another one by now is never read for the one that was planned")
    func replaced() async throws {
        let (world, key) = try await world()
        let spec = try await world.spec()
        let other = [UInt8](repeating: 8, count: Self.bytes.count)
        _ = try await world.store.put(key, bytes: other)
        let failure = await #expect(throws: StagingError.self) { try await world.fetch(spec) }
        #expect(failure?.code == .mismatch)
        try world.swap()
        let again = RestageRun(store: world.store, layout: world.layout, transfers: 2)
        let plan = try world.plan()
        let found = try await again(spec, plan)
        #expect(found.replaced.count == 1)
        #expect(found.replaced.first?.contains("another one by now") == true)
        #expect(world.store.storedBytes(key) == other, "what is Galaxy's is never written")
    }

    @Test("an object that is gone is not made again from a cache")
    func gone() async throws {
        let (world, key) = try await world(cached: Self.bytes)
        let spec = try await world.spec()
        try await world.store.delete(key)
        let again = RestageRun(store: world.store, layout: world.layout, transfers: 2)
        let plan = try world.plan()
        let found = try await again(spec, plan)
        #expect(found.replaced.first?.contains("is gone from Galaxy's object store") == true)
        #expect(!found.isRestored)
        #expect(world.store.storedBytes(key) == nil)
    }

    @Test("a digest that was noted when the object was made is held against the bytes")
    func damaged() async throws {
        let noted = [ObjectInfo.digestName: CRC64NVME(of: Self.bytes).hex]
        let (world, key) = try await world(metadata: noted)
        let spec = try await world.spec()
        #expect(spec.inputs.first?.digest == CRC64NVME(of: Self.bytes))
        world.store.damage(key, at: 3)
        let failure = await #expect(throws: StagingError.self) { try await world.fetch(spec) }
        #expect(failure?.code == .mismatch)
    }

    @Test("what a push of Galaxy's own has not stored is staged from its cache")
    func unpushed() async throws {
        let (world, key) = try await world(stored: [], cached: Self.bytes)
        let spec = try await world.spec()
        let input = try #require(spec.inputs.first)
        #expect(input.key != key)
        #expect(input.galaxyObject == nil)
        _ = try await world.fetch(spec)
        #expect(try TemporaryTree.read(world.tree.at("data/x.dat")) == Self.bytes)
    }

    @Test("what is nowhere as Galaxy knows it is refused by name")
    func nowhere() async throws {
        for (stored, cached) in [(nil, nil), ([1], nil), ([1], [1, 2])] as [([UInt8]?, [UInt8]?)] {
            let (world, key) = try await world(stored: stored, cached: cached)
            let failure = await #expect(throws: StagingError.self) { try await world.spec() }
            #expect(failure?.code == .lost)
            #expect(failure?.place == "s3://galaxy/\(key)")
        }
    }

    @Test("extra files are named by their keys; what only the cache has is staged from there")
    func extraFiles() async throws {
        let (world, _) = try await world()
        let store = world.store
        for (name, bytes) in [
            ("a.txt", [1, 2, 3]), ("sub/b c.txt", [4]), ("failed", []), ("sub/", []),
        ]
            as [(String, [UInt8])]
        {
            _ = try await store.put(ObjectKey("0/1/2/dataset_x_files/\(name)"), bytes: bytes)
        }
        // Evicted in part, and with one that Galaxy could not push.
        try world.tree.file("data/x_files/failed", [7, 7])
        try world.tree.file("data/x_files/only here", [8])
        let key = try ObjectKey("0/1/2/dataset_x_files/")
        world.description.inputs[0].extraFiles = try world.tree.at("data/x_files")
        world.description.inputs[0].extraFilesObject = .init(bucket: "galaxy", key: key)
        let spec = try await world.spec()
        let pinned = spec.inputs.filter { $0.galaxyObject != nil }.map(\.key.logSafe)
        #expect(
            pinned.sorted() == [
                "0/1/2/dataset_x.dat", "0/1/2/dataset_x_files/a.txt",
                "0/1/2/dataset_x_files/sub/b c.txt",
            ]
        )
        _ = try await world.fetch(spec)
        for (name, bytes) in [
            ("a.txt", [1, 2, 3]), ("sub/b c.txt", [4]), ("failed", [7, 7]), ("only here", [8]),
        ] as [(String, [UInt8])] {
            #expect(try TemporaryTree.read(world.tree.at("data/x_files/\(name)")) == bytes)
        }
    }

    @Test("invariant 7: a key that is no path below the directory is refused")
    func strangeKeys() async throws {
        let (world, _) = try await world()
        let prefix = "0/1/2/dataset_x_files/"
        _ = try await world.store.put(ObjectKey(prefix + "../../../etc/passwd"), bytes: [1])
        world.description.inputs[0].extraFiles = try world.tree.at("data/x_files")
        world.description.inputs[0].extraFilesObject = .init(
            bucket: "galaxy",
            key: try ObjectKey(prefix)
        )
        let failure = await #expect(throws: StagingError.self) { try await world.spec() }
        #expect(failure?.code == .refused)
    }

    @Test func whereTheBytesComeFrom() async throws {
        func source(object: Int64?, cached: Int?, known: Int64?) async throws -> StoredInput.Source
        {
            let (world, key) = try await world(
                cached: cached.map { [UInt8](repeating: 0, count: $0) },
                size: known
            )
            let input = StoredInput(
                path: try world.tree.at("data/x.dat"),
                object: .init(bucket: "galaxy", key: key, size: known)
            )
            return input.source(object.map { ObjectInfo(size: $0, eTag: ETag("\"1\"")) })
        }
        #expect(try await source(object: 5, cached: nil, known: 5) == .object)
        #expect(try await source(object: 5, cached: 5, known: 5) == .object)
        #expect(try await source(object: 0, cached: nil, known: 0) == .object)
        #expect(try await source(object: 5, cached: 3, known: 5) == .object)
        #expect(try await source(object: 5, cached: nil, known: nil) == .object)
        #expect(try await source(object: 0, cached: 0, known: nil) == .object)
        #expect(try await source(object: 0, cached: 5, known: 5) == .cache)
        #expect(try await source(object: nil, cached: 5, known: 5) == .cache)
        #expect(try await source(object: 0, cached: 5, known: nil) == .cache)
        for (object, cached, known) in [(3, nil, 5), (3, 3, 5), (nil, nil, nil), (nil, nil, 5)]
            as [(Int64?, Int?, Int64?)]
        {
            let found = try await source(object: object, cached: cached, known: known)
            if case .neither = found { continue }
            Issue.record("\(found) is taken of \([object, known])")
        }
    }
}
