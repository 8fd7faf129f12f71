// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import S3Client
import Synchronization
import TestSupport
import Testing

@testable import Staging

/// What is done with outputs when Galaxy has put them at their final places.
@Suite struct FinalRunTests {
    private let large = [UInt8](repeating: 5, count: 5_000)
    private let other = [UInt8](repeating: 6, count: 5_000)

    /// A job with two files of one size, in the job directory, and Galaxy's copies of them elsewhere.
    private func finished(_ world: World) async throws -> AttemptReport {
        try world.addOutput("jobs/1/outputs/first.dat")
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        try TemporaryTree.write(large, to: world.tree.at("jobs/1/outputs/first.dat"))
        try TemporaryTree.write(other, to: world.tree.at("jobs/1/working/found.dat"))
        try world.write("jobs/1/working/small.dat", "small")
        try world.write("jobs/1/galaxy_1.ec", "0")
        let report = try await world.push(spec)
        try world.swap()
        try world.tree.file("objects/first.dat", large)
        try world.tree.file("objects/found.dat", other)
        try world.tree.file("objects/small.dat", "small")
        return report
    }

    private func run(
        _ world: World,
        keeper: LinkKeeper? = nil,
        now: @escaping @Sendable () -> FileTime = World.later,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { _ in }
    ) -> FinalRun {
        FinalRun(
            store: world.store,
            layout: world.layout,
            packBelow: world.packBelow,
            keeper: keeper,
            now: now,
            sleep: sleep
        )
    }

    private func keeper(_ world: World, _ mounted: MountedStore) -> LinkKeeper {
        let look = MountLook(
            mounted.mount,
            store: world.store,
            layout: world.layout,
            patience: .seconds(600)
        )
        let now = FileTime(seconds: InMemoryObjectStore.firstModified + 1_000)
        return LinkKeeper(look: look, transfers: 4, now: { now }, note: { _ in })
    }

    private func paths(_ world: World, _ names: String...) throws -> [FilePath] {
        try names.map { try world.tree.at("objects/\($0).dat") }
    }

    /// The keys that a second job, which has these files as inputs, names for them.
    private func keys(_ world: World, _ paths: [FilePath]) async throws -> [ObjectKey?] {
        world.run = try RunID("1-fedcba9876543210")
        world.description.outputs = []
        world.description.inputs = paths.map {
            .init(path: $0, extraFiles: nil, metadataFiles: nil)
        }
        let spec = try await world.spec()
        return paths.map { path in spec.inputs.first { $0.path == path }?.key }
    }

    private func key(_ report: AttemptReport, _ name: String) -> ObjectKey? {
        let file = report.files.first {
            $0.path.bytes.suffix(name.utf8.count).elementsEqual(name.utf8)
        }
        guard case .object(let key) = file?.location else { return nil }
        return key
    }

    @Test("invariant 10: the next job stages nothing of what the last one made")
    func theNextJobStagesNothing() async throws {
        let world = try World()
        let report = try await finished(world)
        let paths = try paths(world, "first", "found", "small")
        #expect(try await run(world)(report, paths) == 2)
        let before = world.store.keys.filter { $0.hasPrefix("p/stage/".utf8) }
        let found = try await keys(world, paths)
        #expect(found[0] == key(report, "first.dat"))
        #expect(found[1] == key(report, "found.dat"))
        #expect(found[2] == nil, "it is packed")
        #expect(world.store.keys.filter { $0.hasPrefix("p/stage/".utf8) } == before)
    }

    @Test("a file of the same size with other bytes is never taken for an object")
    func aFileThatGalaxyChanged() async throws {
        let world = try World()
        let report = try await finished(world)
        let path = try world.tree.at("objects/first.dat")
        var changed = large
        changed[2_500] ^= 1
        try TemporaryTree.write(changed, to: path, modified: FileTime(seconds: 1_600_000_000))
        #expect(try await run(world)(report, [path]) == 0)
        let keys = try await keys(world, [path])
        #expect(keys != [key(report, "first.dat")])
        let staged = try #require(keys[0])
        #expect(world.store.storedBytes(staged) == changed)
    }

    @Test func whatIsGoneOrNoFileIsLeftAlone() async throws {
        let world = try World()
        let report = try await finished(world)
        let link = try world.tree.link("objects/link.dat", to: "first.dat")
        let folder = try world.tree.directory("objects/folder.dat")
        let gone = try world.tree.at("objects/gone.dat")
        let empty = try world.tree.file("objects/empty.dat")
        let calls = world.store.calls.count
        #expect(try await run(world)(report, [link, folder, gone, empty]) == 0)
        #expect(world.store.calls.count == calls)
    }

    @Test func anObjectThatIsGoneIsNotRecorded() async throws {
        let world = try World()
        let report = try await finished(world)
        try await world.store.delete(try #require(key(report, "first.dat")))
        #expect(try await run(world)(report, paths(world, "first", "found")) == 1)
    }

    @Test("what may be about to be freed is not recorded")
    func anOldObject() async throws {
        let world = try World()
        let report = try await finished(world)
        let late = InMemoryObjectStore.firstModified + LinkKeeper.longestAge + 1_000
        let run = run(world, now: { FileTime(seconds: late) })
        #expect(try await run(report, paths(world, "first", "found")) == 0)
        #expect(try await self.run(world)(report, paths(world, "first", "found")) == 2)
    }

    @Test("a file that was written just now is looked at again when a change would be seen")
    func aFileThatIsNew() async throws {
        let world = try World()
        let report = try await finished(world)
        let path = try world.tree.at("objects/first.dat")
        let written = try #require(FileStatus(at: path)).stamp.changed
        let passed = Mutex<Int64>(0)
        let run = run(
            world,
            now: { FileTime(seconds: written.seconds + passed.withLock { $0 }) },
            sleep: { _ in
                passed.withLock { $0 += 1 }
                // It is changed while it is waited for: that must be seen.
                if passed.withLock({ $0 }) == 1 {
                    try TemporaryTree.write(self.other, to: path, modified: written)
                }
            }
        )
        #expect(try await run(report, [path]) == 1)
        #expect(passed.withLock { $0 } >= 2)
        #expect(try await keys(world, [path]) == [key(report, "found.dat")])
    }

    @Test func aFileThatIsAlwaysNewIsLeftAlone() async throws {
        let world = try World()
        let report = try await finished(world)
        let now: @Sendable () -> FileTime = { FileTime(seconds: 0) }
        #expect(try await run(world, now: now)(report, paths(world, "first")) == 0)
    }

    @Test func inLinkModeFilesBecomeLinks() async throws {
        let mounted = try MountedStore()
        let world = try World(mounted.store)
        world.mount = mounted.mount
        let report = try await finished(world)
        let paths = try paths(world, "first", "found", "small")
        #expect(try await run(world, keeper: keeper(world, mounted))(report, paths) == 2)
        #expect(paths.map { FileStatus(at: $0)?.kind } == [.link, .link, .file])
        #expect(try mounted.seen(paths[0]) == large)
        #expect(try mounted.seen(paths[1]) == other)
        // Done again, as by a plugin that says it twice.
        #expect(try await run(world, keeper: keeper(world, mounted))(report, paths) == 0)
        let keys = try await keys(world, paths)
        #expect(keys[0] == key(report, "first.dat"))
        #expect(keys[1] == key(report, "found.dat"))
    }

    @Test(
        "invariant 2: without a mount that can be trusted, no file is replaced",
        arguments: [MountedStore.Behaviour.empty, .another, .lags]
    )
    func mountsThatCannotBeTrusted(_ behaviour: MountedStore.Behaviour) async throws {
        let mounted = try MountedStore(behaviour)
        let world = try World(mounted.store)
        let report = try await finished(world)
        let paths = try paths(world, "first", "found")
        #expect(try await run(world, keeper: keeper(world, mounted))(report, paths) == 0)
        #expect(try TemporaryTree.read(paths[0]) == large)
        #expect(try TemporaryTree.read(paths[1]) == other)
    }
}
