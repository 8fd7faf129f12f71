// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import TestSupport
import Testing

@testable import Staging

/// What a spec lets a node keep for other jobs.
@Suite struct CacheScopeTests {
    private let world: World

    init() throws {
        world = try World()
        let tree = world.tree
        let large = [UInt8](repeating: 7, count: 5000)
        try world.addInput("data/input", large)
        try world.addInput("data/small", [1])
        try tree.file("jobs/1/large", large)
        try tree.file("ref/genome", large)
        try tree.file("ref/genome.fai", [2])
        try tree.file("tool/run.py", [3])
        try tree.file("tool/model", large)
        world.description.referenceData = [.init(path: try tree.at("ref/genome"))]
        world.description.toolFiles = [.init(root: try tree.at("tool"), files: nil)]
    }

    /// The shared files of the spec, and how many members each shared pack has.
    private func shared(_ scope: CacheScope) async throws -> (files: [FilePath], packs: [Int]) {
        let survey = try JobSurvey(world.description)
        let plan = try StagePlan(survey, packBelow: world.packBelow, caching: scope)
        let spec = SpecPlan.spec(
            world.description,
            run: world.run,
            layout: world.layout,
            plan: plan,
            staged: try await world.stageRun()(plan),
            policy: StagingPolicy(packBelow: world.packBelow, caching: scope)
        )
        // Whatever is configured, these are there.
        #expect(spec.inputs.count == 4 && spec.packs.count == 3)
        return (
            spec.inputs.filter { $0.isShared == true }.map(\.path),
            spec.packs.filter { $0.isShared == true }.map(\.files)
        )
    }

    @Test func nothingUnlessItIsConfigured() async throws {
        let found = try await shared(.nothing)
        #expect(found.files == [] && found.packs == [])
    }

    @Test func referenceDataAndToolsAndNoUsersData() async throws {
        let found = try await shared(.reference)
        #expect(try found.files == ["ref/genome", "tool/model"].map { try world.tree.at($0) })
        #expect(found.packs == [1], "the pack with a user's small input is not shared")
    }

    @Test func datasetsOnlyIfAskedForAndNeverTheJobDirectory() async throws {
        // Named as reference data too, it is still the job's own.
        world.description.referenceData.append(.init(path: try world.tree.at("jobs/1/large")))
        let found = try await shared(.inputs)
        #expect(
            try found.files
                == ["data/input", "ref/genome", "tool/model"].map { try world.tree.at($0) }
        )
        #expect(found.packs.sorted() == [1, 2])
    }
}
