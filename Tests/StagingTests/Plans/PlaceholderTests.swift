// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import Testing

@testable import Staging

/// What a job has in the places of its outputs before its tool runs.
@Suite struct PlaceholderTests {
    private let world: World
    private let tree: TemporaryTree

    init() throws {
        world = try World()
        tree = world.tree
    }

    @Test(arguments: ["a file", "a link"])
    func whatAFormerRunLeftInAnOutputDoesNotTravel(_ kind: String) async throws {
        try world.addOutput("data/out.dat")
        let place = try tree.at("data/out.dat")
        if kind == "a link" {
            #expect(place.withCString { unlink($0) } == 0)
            try tree.file("mounted", "partial")
            try TemporaryTree.link(place, to: Array("../mounted".utf8))
        } else {
            try tree.file("data/out.dat", Array("partial".utf8), mode: 0o664)
        }
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        let status = try #require(FileStatus(at: place))
        #expect((status.kind, status.stamp.size) == (.file, 0))
        #expect(status.mode == FileMode(kind == "a link" ? 0o644 : 0o664))
    }

    @Test func aPlaceholderInGalaxysCacheIsTheSameWhetherItIsThereOrNot() throws {
        try world.addOutput("data/out.dat")
        try tree.file("data/out.dat", Array("x".utf8), mode: 0o664)
        world.description.outputs[0].object = .init(bucket: "galaxy", key: try ObjectKey("k"))
        let there = try JobSurvey(world.description).placeholders
        #expect(try tree.at("data/out.dat").withCString { unlink($0) } == 0)
        let gone = try JobSurvey(world.description).placeholders
        #expect(there.map(\.mode) == gone.map(\.mode))
        #expect(there.map(\.stamp) == gone.map(\.stamp))
        #expect(there.count == 1)
    }

    @Test func placeholdersGoOutThoughEmpty() async throws {
        try world.addOutput("data/out.dat")
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        #expect(FileStatus(at: try tree.at("data/out.dat"))?.stamp.size == 0)
        #expect(spec.push.leaveBehind.contains(ByteString("galaxy_s3")))
        #expect(spec.outputs.map(\.path) == world.description.outputs.map(\.path))
    }
}
