// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import TestSupport
import Testing

@testable import Staging

/// Paths that are a file or a directory at one moment and a link out of the job at the next, while they
/// are read and written (T08). Nothing outside may change, and none of its bytes may travel.
@Suite(.serialized) struct SwapRaceTests {
    /// Less is no race.
    private static let fewestSwaps = 10_000
    private static let fewestRounds = 80
    private static let mostRounds = 20_000
    private static let secret = "what nobody may see"

    private let world: World
    private let tree: TemporaryTree
    private let outside: TemporaryTree

    init() throws {
        world = try World()
        tree = world.tree
        outside = try TemporaryTree()
        for name in ["victim", "dir/victim", "shut/victim"] {
            try outside.file(name, Self.secret)
        }
        for (name, mode) in [("dir", 0o755), ("shut", 0o500)] as [(String, UInt32)] {
            try TemporaryTree.setTimes(outside.at(name), TarTests.time, mode: mode)
        }
        try world.addInput("data/in.dat", Array("input".utf8))
        try world.addOutput("data/victim", extra: "data/dir")
    }

    /// What stands at `path`, and a link beside all roots that leads to its namesake outside.
    private func trap(_ path: String, as name: String) throws -> (FilePath, FilePath) {
        let link = try tree.link(
            "aside/\(path)",
            to: outside.path.description + "/\(name)"
        )
        return (try tree.at(path), link)
    }

    /// Does `step` while the names swap: thousands of times, and until a link was in the way.
    ///
    /// - Parameter step: whether it met what it was to meet.
    private func racing(
        _ traps: [(FilePath, FilePath)],
        _ step: () async throws -> Bool
    ) async throws {
        let before = try TemporaryTree.snapshot(outside.path)
        let flipper = Flipper(traps)
        var (done, stopped) = (0, 0)
        try await flipper.during {
            while done + stopped < Self.mostRounds {
                do {
                    if try await step() { done += 1 } else { stopped += 1 }
                } catch let error as StagingError {
                    // What came wrong would be another matter.
                    #expect(error.code != .mismatch && error.code != .store, "\(error.tree)")
                    stopped += 1
                }
                try #require(
                    differences(before, TemporaryTree.snapshot(outside.path)).isEmpty,
                    "\(done) done, \(stopped) stopped"
                )
                let isRace = flipper.swaps >= Self.fewestSwaps && stopped > 0 && done > 0
                if isRace, done + stopped >= Self.fewestRounds { break }
            }
        }
        #expect(flipper.swaps >= Self.fewestSwaps && stopped > 0 && done > 0)
    }

    @Test(
        "T08, invariant 7: a push is not led out of the job by a path that changes meanwhile",
        arguments: [
            ("jobs/1/working/victim", "victim"), ("jobs/1/working/dir", "dir"),
            ("jobs/1/outputs", "dir"), ("data/victim", "victim"), ("data/dir", "dir"),
        ]
    )
    func push(path: String, name: String) async throws {
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        try world.write("jobs/1/working/victim", "mine")
        try world.write("jobs/1/working/dir/victim", "mine")
        try world.write("jobs/1/outputs/victim", "mine")
        try world.write("data/victim", "mine")
        try world.write("data/dir/victim", "mine")
        try await racing([trap(path, as: name)]) {
            let report = try await world.push(spec)
            for file in report.files where file.path.lastComponent.elementsEqual("victim".utf8) {
                try #require(file.size == 4)
            }
            return report.refused.isEmpty
        }
        let secret = Array(Self.secret.utf8)
        for key in world.store.keys {
            let bytes = try #require(world.store.storedBytes(key))
            #expect(!bytes.indices.contains { bytes[$0...].starts(with: secret) }, "\(key)")
        }
    }

    @Test(
        "T08, invariant 7: a collect writes nothing outside while a directory becomes a link",
        arguments: [
            ("jobs/1/working/dir", "dir"), ("jobs/1/working/shut", "shut"), ("data/dir", "dir"),
        ]
    )
    func collect(path: String, name: String) async throws {
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        try world.write("jobs/1/working/victim", "mine")
        try world.write("jobs/1/working/dir/victim", "mine")
        try world.write("jobs/1/working/shut/victim", "mine")
        try TemporaryTree.setTimes(
            tree.at("jobs/1/working/shut"),
            TarTests.time,
            mode: 0o500
        )
        try world.write("data/victim", "mine")
        try world.write("data/dir/victim", "mine")
        let report = try await world.push(spec)
        try await world.collect(report, spec)
        let after = try world.snapshot()
        try await racing([trap(path, as: name)]) {
            try await world.collect(report, spec)
            return true
        }
        // What was cut off is swept, and all is as it was meant.
        try await world.collect(report, spec)
        #expect(try world.snapshot().below(world.job).contents == after.below(world.job).contents)
    }

    @Test("T08, invariant 7: the mode of what a link leads to is nobody's to change")
    func allowEntry() throws {
        try tree.link("jobs/1/working/shut", to: outside.path.description + "/shut")
        let before = try TemporaryTree.snapshot(outside.path)
        let job = try Directory(path: world.job)
        let error = #expect(throws: StagingError.self) {
            try job.allowEntry(RelativePath("working/shut"))
        }
        #expect(error?.code == .refused, "\(error?.what ?? "")")
        #expect(try differences(before, TemporaryTree.snapshot(outside.path)).isEmpty)
    }
}
