// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import S3Client
import TestSupport
import Testing

@testable import Staging

/// Inputs that become links once they are staged.
@Suite struct InputLinkTests {
    private let large = [UInt8](repeating: 5, count: 5_000)

    private func world(_ mounted: MountedStore) throws -> World {
        let world = try World(mounted.store)
        world.mount = mounted.mount
        try world.addInput("objects/large.dat", large)
        try world.addInput("objects/small.dat", [1, 2, 3])
        try world.addInput("library/large.dat", large)
        for index in 0..<2 { world.description.inputs[index].inFileStore = true }
        return world
    }

    private func run(_ world: World, _ mounted: MountedStore, later: Int64 = 0) -> InputLinkRun {
        let look = MountLook(
            mounted.mount,
            store: world.store,
            layout: world.layout,
            patience: .seconds(600)
        )
        let now = FileTime(seconds: InMemoryObjectStore.firstModified + 1_000 + later)
        return InputLinkRun(LinkKeeper(look: look, transfers: 4, now: { now }, note: { _ in }))
    }

    private func kinds(_ world: World) throws -> [FileStatus.Kind?] {
        try ["objects/large.dat", "objects/small.dat", "library/large.dat"]
            .map { FileStatus(at: try world.tree.at($0))?.kind }
    }

    @Test func onlyLargeFilesOfGalaxysOwnBecomeLinks() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let plan = try world.plan()
        let spec = try await world.spec()
        #expect(try await run(world, mounted)(plan, spec.inputs) == 1)
        #expect(try kinds(world) == [.link, .file, .file])
        let path = try world.tree.at("objects/large.dat")
        #expect(try mounted.seen(path) == large)
        // The next job takes the very object.
        world.run = try RunID("1-fedcba9876543210")
        let next = try await world.spec()
        let key = spec.inputs.first { $0.path == path }?.key
        #expect(next.inputs.first { $0.path == path }?.key == key)
        #expect(try await run(world, mounted)(world.plan(), next.inputs) == 0)
    }

    @Test("invariant 2: a file that has changed since, or become another one, stays")
    func changedFiles() async throws {
        for change in ["write", "replace", "link", "remove"] {
            let mounted = try MountedStore()
            let world = try world(mounted)
            let plan = try world.plan()
            let spec = try await world.spec()
            let path = try world.tree.at("objects/large.dat")
            let other = try world.tree.file("objects/other.dat", large)
            switch change {
            case "write": try TemporaryTree.write([9], to: path)
            case "replace": #expect(rename("\(other)", "\(path)") == 0)
            case "link":
                #expect(unlink("\(path)") == 0)
                try TemporaryTree.link(path, to: other.bytes)
            default: #expect(unlink("\(path)") == 0)
            }
            let before = try world.snapshot()
            #expect(try await run(world, mounted)(plan, spec.inputs) == 0)
            #expect(differences(before, try world.snapshot()) == [], "\(change)")
        }
    }

    @Test("invariant 2: a file that was too new for a record stays")
    func newFiles() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let plan = try world.plan()
        let staged = try await StageRun(
            store: world.store,
            layout: world.layout,
            run: world.run,
            transfers: 4,
            meter: PhaseMeter("stage"),
            uploads: KeyedLock(),
            now: { FileTime(seconds: 0) }
        )(plan)
        #expect(try await run(world, mounted)(plan, staged.inputs) == 0)
        #expect(try kinds(world) == [.file, .file, .file])
    }

    @Test(
        "invariant 2: without a mount that can be trusted, no file is replaced",
        arguments: [MountedStore.Behaviour.empty, .another, .lags]
    )
    func mountsThatCannotBeTrusted(_ behaviour: MountedStore.Behaviour) async throws {
        let mounted = try MountedStore(behaviour)
        let world = try world(mounted)
        let plan = try world.plan()
        let spec = try await world.spec()
        #expect(try await run(world, mounted)(plan, spec.inputs) == 0)
        #expect(try kinds(world) == [.file, .file, .file])
    }

    @Test("invariant 2: an object that is gone, damaged or old replaces nothing")
    func objectsThatWillNotDo() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let plan = try world.plan()
        let spec = try await world.spec()
        let old = run(world, mounted, later: LinkKeeper.longestAge)
        #expect(try await old(plan, spec.inputs) == 0)
        var wrong = spec.inputs
        for index in wrong.indices { wrong[index].digest = .init(of: [1]) }
        #expect(try await run(world, mounted)(plan, wrong) == 0)
        for input in spec.inputs { try await mounted.store.delete(input.key) }
        #expect(try await run(world, mounted)(plan, spec.inputs) == 0)
        #expect(try kinds(world) == [.file, .file, .file])
    }

    @Test func objectsHaveWhatAMountShows() async throws {
        let mounted = try MountedStore()
        let world = try world(mounted)
        let spec = try await world.spec()
        for input in spec.inputs {
            let info = try #require(try await mounted.store.head(input.key))
            #expect(info.metadata["mode"] == String(0o100644))
            #expect(info.metadata["mtime"] == "1600000000")
        }
    }
}
