// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import Synchronization
import TestSupport
import Testing

@testable import Staging

/// Outputs that become objects of Galaxy's own store, as `output_mode: object_store` wants it.
@Suite struct GalaxyStoreKeeperTests {
    private static let large = [UInt8](repeating: 5, count: 50_000)

    /// A run whose tool has written a large output, a small one, none, and one that no S3 store
    /// holds; on the head again.
    private struct Ended {
        let world: World
        let spec: RunSpec
        let report: AttemptReport
        let notices = Notices()

        init(_ store: InMemoryObjectStore = InMemoryObjectStore(smallestPartBytes: 1)) async throws
        {
            let world = try World(store)
            for name in ["large", "small", "empty", "elsewhere"] {
                try world.addOutput("cache/\(name).dat", extra: "cache/\(name)_files")
            }
            for index in 0..<3 {
                let key = try ObjectKey("0/\(world.description.outputs[index].name)")
                world.description.outputs[index].object = .init(bucket: "galaxy", key: key)
                // As Galaxy makes it, empty.
                _ = try await store.put(key, bytes: [])
            }
            let spec = try await world.spec(ownOutputs: true)
            _ = try await world.fetch(spec)
            let stamps = try world.stamps()
            let large = GalaxyStoreKeeperTests.large
            try TemporaryTree.write(large, to: world.tree.at("cache/large.dat"))
            try world.write("cache/small.dat", "small")
            try world.write("cache/elsewhere.dat", "elsewhere")
            try world.write("cache/large_files/part", "part")
            try world.write("jobs/1/galaxy_1.ec", "0")
            self.world = world
            self.spec = spec
            report = try await world.push(spec, fetched: stamps)
            try world.swap()
        }

        func key(_ name: String) throws -> ObjectKey { try ObjectKey("0/cache/\(name).dat") }

        func stored(_ name: String) throws -> [UInt8]? { try world.store.storedBytes(key(name)) }

        func isCached(_ name: String) throws -> Bool {
            FileStatus(at: try world.tree.at("cache/\(name).dat")) != nil
        }

        /// What the head does with them.
        @discardableResult
        func collect(threshold: Int64 = 1 << 30) async throws -> (moved: Int64, copied: Int64) {
            let (moved, copied) = (PhaseMeter("collect"), PhaseMeter("copy"))
            let keeper = GalaxyStoreKeeper(
                store: world.store,
                spec: spec,
                transfers: 2,
                meter: copied,
                thresholdBytes: threshold,
                notice: { [notices] in notices.add($0) }
            )
            var plan = try OutputPlan(
                report,
                of: spec,
                given: GivenPlaces(spec, world.description),
                mode: .objectStore
            )
            try await keeper.examine(&plan)
            try await CollectRun(store: world.store, transfers: 2, meter: moved)(plan.collected)
            try await keeper.settle(plan)
            return (moved.reading.bytes, copied.reading.bytes)
        }
    }

    private final class Notices: Sendable {
        private let texts = Mutex<[String]>([])
        var all: [String] { texts.withLock { $0 } }
        func add(_ text: String) { texts.withLock { $0.append(text) } }
    }

    private func check(_ ended: Ended) throws {
        #expect(try ended.stored("large") == Self.large)
        #expect(try ended.stored("small") == Array("small".utf8))
        #expect(try ended.stored("empty") == [])
        for name in ["large", "small", "empty"] { #expect(try !ended.isCached(name)) }
        #expect(try ended.world.text("cache/elsewhere.dat") == "elsewhere")
        #expect(try ended.world.text("cache/large_files/part") == "part")
    }

    @Test(
        "invariant 2: of a store that keeps no checksum, bytes are read before they are copied",
        arguments: [false, true]
    )
    func noChecksums(_ isDamaged: Bool) async throws {
        let ended = try await Ended()
        let store = ended.world.store
        let file = try #require(ended.report.files.first { $0.path.bytes.ends(with: "large.dat") })
        guard case .object(let source) = file.location else {
            Issue.record("the output is no object")
            return
        }
        store.forgetChecksums()
        if isDamaged { store.damage(source, at: 40_000) }
        guard isDamaged else {
            _ = try await ended.collect()
            try check(ended)
            #expect(store.calls.count { $0.kind == .get && $0.key == source } == 1, "once")
            return
        }
        let error = await #expect(throws: StagingError.self) { try await ended.collect() }
        #expect(error?.code == .mismatch)
        #expect(try ended.stored("large") == [], "Galaxy's own is as it was")
    }

    @Test("outputs get to Galaxy's keys without a byte of theirs on the head")
    func copied() async throws {
        let ended = try await Ended()
        let gets = ended.world.store.calls.count { $0.kind == .get }
        let bytes = try await ended.collect()
        try check(ended)
        #expect(bytes.copied == 50_005)
        #expect(bytes.moved < 50_000)
        let read = ended.world.store.calls.filter { $0.kind == .get }
            .dropFirst(gets)
            .compactMap(\.key)
        let outputs = ended.report.files.filter { $0.path.bytes.ends(with: "large.dat") }
        for case .object(let key) in outputs.map(\.location) { #expect(!read.contains(key)) }
        #expect(ended.notices.all == [])
    }

    @Test("the digest is noted with the object, also of one that is copied in parts")
    func digests() async throws {
        for threshold in [Int64(1 << 30), 40_000] {
            let ended = try await Ended()
            try await ended.collect(threshold: threshold)
            let info = try #require(try await ended.world.store.head(ended.key("large")))
            #expect(info.notedDigest == CRC64NVME(of: Self.large))
            #expect(info.metadata[ObjectInfo.digestName] == CRC64NVME(of: Self.large).hex)
        }
    }

    @Test("invariant 6: done again, it changes nothing and copies nothing")
    func again() async throws {
        let ended = try await Ended()
        try await ended.collect()
        // Galaxy has pulled one meanwhile.
        try TemporaryTree.write(Self.large, to: ended.world.tree.at("cache/large.dat"))
        let copies = ended.world.store.calls.count { $0.kind == .copy }
        #expect(try await ended.collect().copied == 0)
        #expect(ended.world.store.calls.count { $0.kind == .copy } == copies)
        #expect(try TemporaryTree.read(ended.world.tree.at("cache/large.dat")) == Self.large)
        #expect(ended.notices.all == [])
    }

    @Test("invariant 1: a copy that fails half-way is made whole by the next collect")
    func interrupted() async throws {
        for failing in 1...2 {
            for isDone in [false, true] {
                let isOver = Mutex(false)
                let store = InMemoryObjectStore(smallestPartBytes: 1) { call throws(S3Error) in
                    guard call.kind == .copy, call.number == failing, call.isDone == isDone else {
                        return
                    }
                    let isFirst = isOver.withLock { over in
                        defer { over = true }
                        return !over
                    }
                    guard isFirst else { return }
                    throw S3Error(.unavailable, what: "cut off")
                }
                let ended = try await Ended(store)
                await #expect(throws: StagingError.self) { try await ended.collect() }
                for name in ["large", "small"] {
                    let bytes = try #require(try ended.stored(name))
                    let whole = name == "large" ? Self.large : Array("small".utf8)
                    #expect(bytes == [] || bytes == whole)
                }
                try await ended.collect()
                try check(ended)
            }
        }
    }

    @Test("an output that is no longer what the report promises gets nowhere")
    func damaged() async throws {
        let ended = try await Ended()
        let file = try #require(ended.report.files.first { $0.path.bytes.ends(with: "large.dat") })
        guard case .object(let key) = file.location else { throw Missing() }
        _ = try await ended.world.store.put(key, bytes: [UInt8](repeating: 6, count: 50_000))
        let failure = await #expect(throws: StagingError.self) { try await ended.collect() }
        #expect(failure?.code == .mismatch)
        #expect(try ended.stored("large") == [])
        #expect(try ended.stored("small") == [], "nothing is used when some of it is wrong")
        #expect(try ended.world.text("cache/elsewhere.dat") == "", "nor put in place")
        try await ended.world.store.delete(key)
        let lost = await #expect(throws: StagingError.self) { try await ended.collect() }
        #expect(lost?.code == .lost)
    }

    @Test("invariant 2: bytes in Galaxy's cache that nobody knows are moved aside, never deleted")
    func stale() async throws {
        let ended = try await Ended()
        let old = [UInt8](repeating: 4, count: 50_000)
        try TemporaryTree.write(old, to: ended.world.tree.at("cache/large.dat"))
        try await ended.collect()
        #expect(try !ended.isCached("large"), "a stale file never wins over the new object")
        let names = try Directory(path: ended.world.tree.at("cache")).names()
        let prefix = Array("large.dat.kept-by-galaxy-s3-".utf8)
        let aside = try #require(names.first { $0.starts(with: prefix) })
        let place = try ended.world.tree.at(Array("cache/".utf8) + aside)
        #expect(try TemporaryTree.read(place) == old)
        #expect(ended.notices.all.count == 1)
    }

    @Test("what an earlier run has left at the key of an output without a byte is replaced")
    func emptyAfterAll() async throws {
        let ended = try await Ended()
        _ = try await ended.world.store.put(ended.key("empty"), bytes: [1, 2, 3])
        try await ended.collect()
        try check(ended)
    }

    private struct Missing: Error {}
}

extension [UInt8] {
    fileprivate func ends(with text: String) -> Bool {
        suffix(text.utf8.count).elementsEqual(text.utf8)
    }
}
