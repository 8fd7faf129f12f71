// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import S3Client
import TestSupport
import Testing

@testable import Staging

/// What pods get by way of a node's cache, whatever happens to it.
@Suite struct CachedFetchTests {
    private func bytes(_ count: Int, seed: UInt64 = 7) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return generator.bytes(count)
    }

    @Test func theSecondJobAsksTheStoreForNothing() async throws {
        let lab = try CacheLab()
        let content = bytes(300_000)
        let input = try await lab.input("genome", content)
        let first = try await lab.fetch(pod: 1, [input])
        let before = lab.store.calls.count
        let second = try await lab.fetch(pod: 2, [input])
        #expect(lab.store.calls.count == before)
        #expect(first.bytes == 300_000)
        #expect(first.cachedFiles == 0)
        #expect(first.cachedBytes == 0)
        #expect(second.bytes == 0)
        #expect(second.cachedFiles == 1)
        #expect(second.cachedBytes == 300_000)
        #expect(second.files == 1)
        for pod in 1...2 {
            let path = try lab.path(input, pod: pod)
            #expect(try TemporaryTree.read(path) == content)
            let status = try #require(FileStatus(at: path))
            #expect(status.mode == input.mode)
            #expect(status.stamp.modified == input.modified)
        }
        #expect(lab.complaints == [])
    }

    @Test func whatIsNotSharedIsNotKept() async throws {
        let lab = try CacheLab()
        let input = try await lab.input("private", bytes(1000), isShared: nil)
        try await lab.fetch(pod: 1, [input])
        #expect(try lab.names() == [])
        try await lab.fetch(pod: 2, [input])
        #expect(lab.gets(input.key) == 2)
    }

    @Test func whateverAToolDoesToItsFileTheNextJobIsRight() async throws {
        let lab = try CacheLab()
        let content = bytes(200_000)
        let input = try await lab.input("genome", content)
        for pod in 1...3 {
            try await lab.fetch(pod: pod, [input])
            let path = try lab.path(input, pod: pod)
            #expect(try TemporaryTree.read(path) == content)
            // The tool's own file: it may write to it as to any other.
            try TemporaryTree.write([UInt8](repeating: 0x21, count: 9), to: path)
        }
        #expect(lab.gets(input.key) == 1)
        #expect(lab.complaints == [])
    }

    /// Fifty pods on one node begin at once, and one of them asks the store.
    @Test(.timeLimit(.minutes(2))) func fiftyAtOnceAskOnce() async throws {
        let lab = try CacheLab { call throws(S3Error) in
            // The store takes its time, so that all are there before it answers.
            if call.kind == .get, !call.isDone { try? await Task.sleep(for: .milliseconds(300)) }
        }
        let content = bytes(100_000)
        let inputs = [
            try await lab.input("genome", content), try await lab.input("index", bytes(5000)),
        ]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for pod in 0..<50 { group.addTask { try await lab.fetch(pod: pod, inputs) } }
            try await group.waitForAll()
        }
        for input in inputs { #expect(lab.gets(input.key) == 1) }
        for pod in 0..<50 {
            #expect(try TemporaryTree.read(lab.path(inputs[0], pod: pod)) == content)
        }
        #expect(lab.complaints == [])
    }

    /// The kernel lets go of the lock of a worker that is killed; its part stays behind.
    @Test func whatAKilledWorkerLeftIsBegunAnew() async throws {
        let lab = try CacheLab(capacity: 150_000)
        let content = bytes(100_000)
        let input = try await lab.input("genome", content)
        let other = try await lab.input("other", bytes(90_000, seed: 8))
        _ = try lab.cache()
        for left in [input, other] {
            let name = try #require(CacheName(left)).part
            try TemporaryTree.write([1, 2, 3], to: lab.folder.appending(name.bytes))
        }
        try await lab.fetch(pod: 1, [input])
        #expect(try TemporaryTree.read(lab.path(input, pod: 1)) == content)
        #expect(try lab.names().count == 1, "the other part would have filled the cache")
        #expect(try lab.names().allSatisfy { !$0.hasSuffix(".part") })
        #expect(lab.complaints == [])
    }

    @Test(arguments: [
        "flipped", "short", "long", "empty",
    ]) func whatIsDamagedIsThrownOut(_ how: String) async throws {
        let lab = try CacheLab()
        let content = bytes(70_000)
        let input = try await lab.input("genome", content)
        try await lab.fetch(pod: 1, [input])
        let name = try #require(try lab.names().first)
        var damaged = content
        switch how {
        case "flipped": damaged[69_999] ^= 1
        case "short": damaged.removeLast()
        case "long":
            damaged[0] ^= 1
            damaged.append(0)
        default: damaged = []
        }
        try lab.replace(name, by: damaged)
        let reading = try await lab.fetch(pod: 2, [input])
        #expect(try TemporaryTree.read(lab.path(input, pod: 2)) == content)
        #expect(reading.cachedFiles == 0)
        #expect(reading.bytes == 70_000)
        #expect(lab.gets(input.key) == 2)
        #expect(lab.complaints.count == 1 && lab.complaints[0].contains("is damaged"))
        try await lab.fetch(pod: 3, [input])
        #expect(lab.gets(input.key) == 2, "the cache is whole again")
    }

    @Test func whatIsThrownOutWhileItIsReadIsReadToItsEnd() async throws {
        let lab = try CacheLab()
        let content = bytes(400_000)
        let input = try await lab.input("genome", content)
        try await lab.fetch(pod: 1, [input])
        let cache = try lab.cache()
        let name = try #require(CacheName(input))
        let open = try #require(try cache.open(name))
        try cache.remove(name)
        let target = try lab.tree.file("copy")
        let raw = target.withCString { Glibc.open($0, O_RDWR) }
        try #require(raw >= 0)
        let copy = FileCopy(
            source: open,
            sourceName: cache.path(of: name),
            target: Descriptor(owning: raw),
            targetName: target,
            size: input.size
        )
        #expect(try await copy().get() == input.digest)
        #expect(try TemporaryTree.read(target) == content)
    }

    @Test func roomIsMadeByWhatWasUsedLongestAgo() async throws {
        let lab = try CacheLab(capacity: 250)
        var inputs: [InputEntry] = []
        for index in 0..<3 { inputs.append(try await lab.input("k\(index)", bytes(100))) }
        try await lab.fetch(pod: 1, [inputs[0]])
        try await lab.fetch(pod: 1, [inputs[1]])
        let oldest = try #require(CacheName(inputs[1]))
        // Used long ago, as far as the clock that stamps files can tell.
        let place = try lab.folder.appending(oldest.bytes)
        let times = [timespec(tv_sec: 5, tv_nsec: 0), timespec(tv_sec: 5, tv_nsec: 0)]
        let isSet = place.withCString { utimensat(AT_FDCWD, $0, times, 0) == 0 }
        #expect(isSet)
        try await lab.fetch(pod: 1, [inputs[2]])
        let left = Set([inputs[0], inputs[2]].compactMap(CacheName.init(_:)).map(\.bytes))
        #expect(Set(try lab.names().map { Array($0.utf8) }) == left)
    }

    @Test func whatIsLargerThanTheCacheComesWithoutIt() async throws {
        let lab = try CacheLab(capacity: 1000)
        let small = try await lab.input("small", bytes(900))
        let large = try await lab.input("large", bytes(1001))
        try await lab.fetch(pod: 1, [small])
        let reading = try await lab.fetch(pod: 2, [small, large])
        #expect(reading.cachedFiles == 1)
        #expect(reading.bytes == 1001)
        #expect(lab.complaints == [])
    }

    @Test func aCacheThatIsGoneFailsNoJob() async throws {
        let lab = try CacheLab()
        let content = bytes(10_000)
        let input = try await lab.input("genome", content)
        let cache = CachedFetch(try lab.cache()) { _ in }
        try TreeRemoval.remove(lab.folder)
        let root = try lab.tree.directory("pod1")
        let path = try root.appending("genome")
        let roots = try RootSet([root])
        let download = InputDownload(
            store: lab.store,
            meter: PhaseMeter("fetch"),
            limits: TransferLimits()
        )
        let found = try await cache.input(input, download) { () throws(StagingError) in
            try roots.create(path)
        }
        #expect(found == nil)
        #expect(lab.gets(input.key) == 0)
    }

    @Test(.timeLimit(.minutes(2))) func whoeverBringsItAndHangsHoldsNobodyUp() async throws {
        let lab = try CacheLab()
        let content = bytes(10_000)
        let input = try await lab.input("genome", content)
        let name = try #require(CacheName(input))
        guard case .granted(let part) = try lab.cache().claim(name) else {
            Issue.record("nobody else is there")
            return
        }
        let reading = try await lab.fetch(pod: 1, [input], quiet: 0.5)
        #expect(reading.bytes == 10_000)
        #expect(try TemporaryTree.read(lab.path(input, pod: 1)) == content)
        // It comes to its end after all, and nobody has taken its place.
        try content.withUnsafeBytes { try part.file.write($0, at: 0, name: part.path) }
        try part.publish()
        #expect(try await lab.fetch(pod: 2, [input]).cachedFiles == 1)
    }

    @Test(.enabled("it takes root to give a folder away") { geteuid() == 0 })
    func aFolderOfSomebodyElsesIsNotUsed() async throws {
        let lab = try CacheLab()
        _ = try lab.cache()
        let given = try lab.folder.withCString { chown($0, 12345, 12345) }
        try #require(given == 0)
        let error = #expect(throws: StagingError.self) { try lab.cache() }
        #expect(error?.what.contains("belongs to another user") == true)
    }

    @Test func troubleOfTheStoreIsTheJobs() async throws {
        let lab = try CacheLab { call throws(S3Error) in
            guard call.kind == .get else { return }
            throw S3Error(.unavailable, what: "no")
        }
        let input = try await lab.input("genome", bytes(1000))
        let error = await #expect(throws: StagingError.self) {
            try await lab.fetch(pod: 1, [input])
        }
        #expect(error?.code == .store)
        #expect(lab.gets(input.key) == 1, "not asked again around the cache")
        #expect(try lab.names() == [])
    }

    // MARK: Packs

    @Test func aPackIsKeptToo() async throws {
        let lab = try CacheLab()
        let pack = try await self.pack(lab)
        try await lab.fetch(pod: 0, [], packs: [pack])
        let before = lab.store.calls.count
        try TreeRemoval.remove(try lab.tree.at("pod0"))
        let reading = try await lab.fetch(pod: 0, [], packs: [pack])
        #expect(lab.store.calls.count == before)
        #expect(reading.files == 2)
        #expect(reading.packed == 2)
        #expect(reading.cachedFiles == 2)
        #expect(try TemporaryTree.read(lab.tree.at("pod0/tool/a")) == Array("one".utf8))
    }

    /// In a member's header, and in its contents, where the pack's own digest alone can tell.
    @Test(arguments: [0, 512]) func aDamagedPackIsThrownOut(at index: Int) async throws {
        let lab = try CacheLab()
        let pack = try await self.pack(lab)
        try await lab.fetch(pod: 0, [], packs: [pack])
        let name = try #require(try lab.names().first)
        var bytes = try TemporaryTree.read(lab.folder.appending(name))
        bytes[index] ^= 1
        try lab.replace(name, by: bytes)
        let reading = try await lab.fetch(pod: 0, [], packs: [pack])
        #expect(reading.files == 2)
        #expect(reading.packed == 2)
        #expect(reading.cachedFiles == 0)
        #expect(try TemporaryTree.read(lab.tree.at("pod0/tool/a")) == Array("one".utf8))
        #expect(lab.complaints.count == 1)
        #expect(lab.gets(pack.key) == 2)
    }

    /// Its members' names are those of pod 0.
    private func pack(_ lab: CacheLab) async throws -> PackEntry {
        let files = try ["a", "b"]
            .map { try SurveyedFile(trusted: try lab.tree.file("pod0/tool/\($0)", "one")) }
        return try await lab.pack(files)
    }
}
