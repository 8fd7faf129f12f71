// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import TestSupport
import Testing

@testable import Staging

/// Head → bucket → pod → bucket → head, with whatever names, sizes, modes and times there are.
@Suite struct RoundTripTests {
    /// How many trees: 2,000 with `GALAXY_S3_TESTS=full`.
    private static let seeds =
        getenv("GALAXY_S3_TESTS").map { String(cString: $0) } == "full"
        ? 2_000 : 300

    /// Fills a directory, and remembers what may be linked to or changed.
    private struct Gardener {
        var random: SeededGenerator
        private(set) var files: [FilePath] = []
        private(set) var directories: [FilePath] = []

        init(seed: UInt64) { random = SeededGenerator(seed: seed) }

        mutating func time() -> FileTime {
            FileTime(
                seconds: Int64.random(in: -2_000_000_000...4_000_000_000, using: &random),
                nanoseconds: Int32.random(in: 0...999_999_999, using: &random)
            )
        }

        mutating func bytes() -> [UInt8] {
            let size = [0, 0, 1, 511, 512, 513, 700, 1_024, 1_025, 3_000]
                .randomElement(using: &random)
            return random.bytes(size ?? 0)
        }

        mutating func fill(_ top: FilePath, links: Bool = true) throws {
            var places = [top]
            for _ in 0..<Int.random(in: 0...9, using: &random) {
                guard let place = places.randomElement(using: &random),
                    let path = try? place.appending(random.fileName()), FileStatus(at: path) == nil
                else { continue }
                switch Int.random(in: 0...9, using: &random) {
                case 0...1:
                    try TemporaryTree.makeDirectories(path)
                    places.append(path)
                    directories.append(path)
                case 2 where links:
                    guard let target = files.randomElement(using: &random),
                        let relative = target.relative(to: place)
                    else { continue }
                    try TemporaryTree.link(path, to: relative.bytes)
                default:
                    let modes: [UInt32] = [0o644, 0o600, 0o755, 0o400]
                    let mode = modes.randomElement(using: &random) ?? 0o644
                    try TemporaryTree.write(bytes(), to: path, mode: mode, modified: time())
                    files.append(path)
                }
            }
        }

        /// Gives directories modes and times, what is inside first.
        mutating func finish() throws {
            for path in directories.sorted().reversed() where FileStatus(at: path) != nil {
                let modes: [UInt32] = [0o755, 0o700, 0o555]
                let mode = modes.randomElement(using: &random) ?? 0o755
                try TemporaryTree.setTimes(path, time(), mode: mode)
            }
        }

        /// What a tool does to the files it was given.
        mutating func disturb() throws {
            for file in files where FileStatus(at: file) != nil {
                switch Int.random(in: 0...5, using: &random) {
                case 0: _ = file.withCString { unlink($0) }
                case 1: try TemporaryTree.write(bytes(), to: file, modified: time())
                case 2: _ = file.withCString { chmod($0, 0o640) }
                default: continue
                }
            }
            for path in directories { _ = path.withCString { chmod($0, 0o755) } }
        }
    }

    @Test("invariants 1 and 7, B01 to B21: everything comes back as it was", arguments: 0..<4)
    func randomTrees(_ quarter: Int) async throws {
        for seed in stride(from: quarter, to: Self.seeds, by: 4) {
            try await roundTrip(UInt64(seed))
        }
    }

    private func roundTrip(_ seed: UInt64) async throws {
        let world = try World()
        var gardener = Gardener(seed: seed)
        let working = try world.tree.at("jobs/1/working")
        let inputs = try world.tree.at("data/in")
        try TemporaryTree.makeDirectories(inputs)
        try gardener.fill(inputs)
        try gardener.fill(working)
        try gardener.finish()
        world.description.referenceData = [.init(path: inputs)]
        try world.addOutput("data/out/result.dat", extra: "data/out/result_files")
        let ownOutputs = seed % 2 == 0

        // Out: the pod has every byte, mode, time, directory and link.
        let before = try world.snapshot()
        let spec = try await world.spec(ownOutputs: ownOutputs)
        _ = try await world.fetch(spec)
        let arrived = try world.snapshot()
        for top in [working, inputs] {
            let lines = differences(before.below(top), arrived.below(top))
            #expect(lines.isEmpty, "seed \(seed): \(lines)")
        }

        // Back: what the tool did, and nothing that it did not.
        let stamps = try world.stamps()
        try gardener.disturb()
        try gardener.fill(working)
        try TemporaryTree.write(gardener.bytes(), to: try world.tree.at("data/out/result.dat"))
        let extra = try world.tree.at("data/out/result_files")
        try TemporaryTree.makeDirectories(extra)
        try gardener.fill(extra, links: false)
        try gardener.finish()
        try world.write("jobs/1/galaxy_1.ec", "0")
        let report = try await world.push(spec, fetched: stamps)
        let after = try world.snapshot()
        // A directory in place of a file, or the other way round, is left behind by name, with all
        // that is below it.
        let conflicts = after.compactMap { path, entry -> FilePath? in
            guard let old = before[path], old.isDirectory != entry.isDirectory else { return nil }
            return old.isDirectory || entry.isDirectory ? path : nil
        }
        #expect(report.refused.count == conflicts.count, "seed \(seed): \(report.refused)")
        for path in conflicts {
            #expect(report.refused.contains { $0.contains("\(path) was left behind") })
        }
        let pushed = Set(report.files.map(\.path))
        for (path, stamp) in stamps where FileStatus(at: path)?.stamp == stamp {
            #expect(!pushed.contains(path), "seed \(seed): \(path) had not changed")
        }

        for _ in 0..<(seed % 10 == 0 ? 2 : 1) { try await world.collect(report, spec) }
        let head = try world.snapshot()
        for (path, entry) in after {
            let isOurs =
                path.isAtOrBelow(world.job) || path.isAtOrBelow(extra)
                || world.description.outputs.contains { $0.path == path }
            guard isOurs, !conflicts.contains(where: { path.isAtOrBelow($0) }) else { continue }
            #expect(head[path] == entry, "seed \(seed): \(path)")
        }
        // Beside what came, the head has what it had.
        for path in conflicts { #expect(head[path] == before[path], "seed \(seed): \(path)") }
        for (path, entry) in head where after[path] == nil {
            guard case .directory = entry else {
                #expect(before[path] == entry, "seed \(seed): \(path)")
                continue
            }
        }
        for (path, entry) in before.below(inputs) { #expect(head[path] == entry) }
    }
}
