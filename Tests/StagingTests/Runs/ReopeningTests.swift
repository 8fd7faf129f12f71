// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import TestSupport
import Testing

@testable import Staging

/// Directories that a tool has shut.
@Suite struct ReopeningTests {
    @Test("B20: directories of this user's that it may not read are opened, the job's own too")
    func shutDirectories() async throws {
        let world = try World()
        let tree = world.tree
        try world.addOutput("data/out.dat", extra: "data/out_files")
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        try world.write("jobs/1/galaxy_1.ec", "7")
        try world.write("jobs/1/working/d/e/kept", "kept")
        try world.write("data/out_files/f/kept", "kept")
        let roots = try RootSet(spec.roots)
        let shut = ["jobs/1/working/d/e", "jobs/1/working/d", "jobs/1", "data/out_files", "data"]
        if geteuid() == 0 {
            try Shell.run("chown -R 65534:65534 \(tree.path)/jobs \(tree.path)/data")
        }
        for name in shut { #expect(try tree.at(name).withCString { chmod($0, 0o040) } == 0) }
        let survey = try asNobody { try PushSurvey(spec, roots, scope: .all, fetched: [:]) }
        #expect(survey.refused == [])
        #expect(survey.lost == [])
        #expect(try survey.logs.map(\.path) == [tree.at("jobs/1/galaxy_1.ec")])
        let files = Set(survey.files.map(\.path))
        #expect(
            try files.isSuperset(of: [
                tree.at("jobs/1/working/d/e/kept"), tree.at("data/out_files/f/kept"),
            ])
        )
        // Galaxy can read them too.
        #expect(survey.directories.allSatisfy { $0.mode.bits & 0o700 == 0o700 })
    }

    @Test(
        "what is in a directory that may not be read is not passed over in silence",
        .enabled(if: geteuid() == 0, "a directory of its own is opened")
    )
    func lockedDirectories() async throws {
        let world = try World()
        let tree = world.tree
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        try world.write("jobs/1/working/locked/precious", "x")
        let locked = try tree.at("jobs/1/working/locked")
        let roots = try RootSet(spec.roots)
        _ = locked.withCString { chmod($0, 0) }
        defer { _ = locked.withCString { chmod($0, 0o700) } }
        let survey = try asNobody {
            try PushSurvey(spec, roots, scope: .all, fetched: [:])
        }
        #expect(survey.refused.count { $0.contains("\(locked) was left behind") } == 1)
        #expect(survey.directories.contains { $0.path == locked })
    }
}
