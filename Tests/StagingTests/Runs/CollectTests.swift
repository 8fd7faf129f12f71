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

    /// A run whose tool has written a large and a small output and some files, on the head again.
    private func committed() async throws -> (AttemptReport, RunSpec) {
        try world.addOutput("data/large.dat", extra: "data/large_files")
        try world.addOutput("data/small.dat")
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        let stamps = try world.stamps()
        try TemporaryTree.write([UInt8](repeating: 5, count: 5_000), to: tree.at("data/large.dat"))
        try world.write("data/small.dat", "small")
        try world.write("data/large_files/part", "part")
        try world.write("jobs/1/working/d/file", "file")
        try tree.link("jobs/1/working/link", to: "d/file")
        try world.write("jobs/1/galaxy_1.ec", "0")
        let report = try await world.push(spec, fetched: stamps)
        try world.swap()
        return (report, spec)
    }

    private func refuses(
        _ report: AttemptReport,
        _ spec: RunSpec,
        _ reason: String,
        contentsAlone: Bool = false,
        sourceLocation: SourceLocation
    ) async throws {
        let before = try world.snapshot()
        let error = await #expect(throws: StagingError.self, sourceLocation: sourceLocation) {
            try await world.collect(report, spec)
        }
        #expect(
            error?.what.contains(reason) == true,
            "\(error?.what ?? "")",
            sourceLocation: sourceLocation
        )
        let after = try world.snapshot()
        // Temporary files come and go when the store has to be asked: directories show their times.
        let lines =
            contentsAlone
            ? differences(before.filesAlone, after.filesAlone) : differences(before, after)
        #expect(lines.isEmpty, "\(lines)", sourceLocation: sourceLocation)
        #expect(try TemporaryTree.snapshot(outside.path).count == 1, sourceLocation: sourceLocation)
    }

    @Test(
        "invariants 1, 2 and 7, B26, B28, B57, B59: a forged report is refused and changes nothing on disk"
    )
    func forgedReports() async throws {
        let (report, spec) = try await committed()
        let large = try #require(report.files.firstIndex { $0.size == 5_000 })
        let file = try tree.at("jobs/1/working/d/file")
        let packed = try #require(report.files.firstIndex { $0.path == file })
        func forge(
            _ reason: String,
            sourceLocation: SourceLocation = #_sourceLocation,
            _ change: (inout AttemptReport) throws -> Void
        ) async throws {
            var forged = report
            try change(&forged)
            try await refuses(forged, spec, reason, sourceLocation: sourceLocation)
        }
        let foreign = outside.path.description + "/canary"

        // Paths that are not the run's.
        for path in [foreign, "/etc/cron.d/x", "/", tree.path.description + "/data/other.dat"] {
            try await forge("outside the job") { $0.files[large].path = try FilePath(path) }
        }
        for path in ["jobs/12/x", "jobs/1x", "data", "data/large.dat.x", "data/large_filesx/y"] {
            try await forge("outside the job") { $0.files[packed].path = try tree.at(path) }
        }
        for path in [
            "_working/x", "galaxy_s3/state", "tmp", "home/.bashrc", "_configs/a/b", "_outputs",
        ] {
            try await forge("stays in the pod") {
                $0.files[large].path = try tree.at("jobs/1/" + path)
            }
            try await forge("stays in the pod") {
                $0.directories[0].path = try tree.at("jobs/1/" + path)
            }
        }
        for path in ["jobs/1", "data/large_files"] {
            try await forge("a directory, as a file") { $0.files[large].path = try tree.at(path) }
        }
        try await forge("a file, as a directory") {
            $0.directories[0].path = try tree.at("jobs/1/outputs/tool_stdout")
        }
        try await forge("outside the job") {
            $0.directories[0].path = try tree.at("data/small.dat")
        }
        try await forge("outside the job") { $0.directories[0].path = try FilePath(foreign) }

        // Keys that are not the attempt's.
        let layout = spec.layout.keys
        let other = try AttemptID(drawnFor: "other")
        let otherRun = try RunID("2-0123456789abcdef")
        let keys = [
            layout.data(spec.run, other, 0), layout.data(otherRun, report.attempt, 0),
            layout.spec(spec.run), layout.result(spec.run), try ObjectKey("x"),
            try ObjectKey("data/main/x"), spec.packs[0].key,
        ]
        for key in keys {
            try await forge("not the attempt's") { $0.files[large].location = .object(key) }
            try await forge("not the attempt's") { $0.packs[0].key = key }
        }
        try await forge("not the attempt's") {
            let empty = layout.data(spec.run, report.attempt, 0).bytes.dropLast()
            $0.files[large].location = .object(try ObjectKey(empty))
        }

        // Numbers that cannot be.
        for index in [2, -1, .max, .min] {
            try await forge("which it does not have") { $0.files[packed].location = .pack(index) }
        }
        for size in [-1, .min, .max] as [Int64] {
            try await forge("has \(size) bytes") { $0.files[large].size = size }
            try await forge("has \(size) bytes") { $0.packs[0].size = size }
        }
        try await forge("files") { $0.packs[0].files = -1 }

        // Places named twice or in each other's way.
        try await forge("twice") { $0.files.append($0.files[large]) }
        try await forge("twice") { $0.files[packed].path = $0.files[large].path }
        try await forge("twice") {
            $0.links.append(LinkEntry(path: $0.files[packed].path, target: ByteString("d")))
        }
        try await forge("twice") { $0.directories.append($0.directories[0]) }
        try await forge("which is no directory") {
            $0.files[large].path = try tree.at("jobs/1/working/link/x")
        }
        try await forge("which is no directory") {
            $0.directories[0].path = try tree.at("jobs/1/working/d/file/x/y")
        }

        // Links that lead out, or take the place of what Galaxy reads.
        for target in [foreign, "/etc/passwd", "../../../../x", "/", ""] {
            try await forge("outside the job") { $0.links[0].target = ByteString(target) }
        }
        try await forge("a file, as a link") {
            $0.links[0].path = try tree.at("jobs/1/outputs/tool_stdout")
        }
        try await forge("a file, as a link") {
            $0.files.removeAll { $0.size == 5_000 }
            $0.links[0].path = try tree.at("data/large.dat")
        }
        try await forge("speaks of the run") { $0.run = otherRun }

        // What only the store can tell.
        func forgeBytes(
            _ reason: String,
            sourceLocation: SourceLocation = #_sourceLocation,
            _ change: (inout AttemptReport) throws -> Void
        ) async throws {
            var forged = report
            try change(&forged)
            try await refuses(
                forged,
                spec,
                reason,
                contentsAlone: true,
                sourceLocation: sourceLocation
            )
        }
        try await forgeBytes("Cannot collect") { $0.files[large].size = 4_999 }
        try await forgeBytes("Cannot collect") { $0.files[large].digest = CRC64NVME(value: 1) }
        try await forgeBytes("Cannot collect") {
            $0.files[large].location = .object(layout.data(spec.run, report.attempt, 99))
        }
        try await forgeBytes("another checksum") { $0.files[packed].digest = CRC64NVME(value: 1) }
        try await forgeBytes("does not name so") { $0.files[packed].size += 1 }
        try await forgeBytes("does not name so") { $0.files.remove(at: packed) }
        try await forgeBytes("which the report promises") {
            $0.files[large].location = .pack(0)
        }
        try await forgeBytes("is not the promised one") { $0.packs[0].size += 512 }
        try await forgeBytes("is not the promised one") {
            $0.packs[0].sha256 = SHA256Digest(of: [])
        }
        try await forgeBytes("Cannot fetch the pack") {
            $0.packs[0].key = layout.pushedPack(spec.run, report.attempt, 9)
        }

        // And the true one is taken.
        try await world.collect(report, spec)
        #expect(try world.text("data/small.dat") == "small")
    }

    @Test("invariant 7: what a directory on the head has become is not written through")
    func linkOnTheHead() async throws {
        let (report, spec) = try await committed()
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
        let (report, spec) = try await committed()
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

    @Test func leftoversOfThisRunAreSweptAndNobodyElses() async throws {
        let (report, spec) = try await committed()
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
        let (report, spec) = try await committed()
        let collect = CollectRun(store: world.store, transfers: 2, meter: PhaseMeter("collect"))
        let other = try RunID("2-0123456789abcdef")
        var twin = try CollectPlan(report, of: spec)
        twin.run = other
        let plans = [try CollectPlan(report, of: spec), twin]
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
        let (report, spec) = try await committed()
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
        let (report, spec) = try await committed()
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
            PackEntry(key: key, size: Int64(bytes.count), sha256: SHA256Digest(of: bytes), files: 1)
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
