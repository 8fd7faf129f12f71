// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client
import Staging
import TestSupport
import Testing

@testable import HeadNode

/// Which Galaxies have signed, and which of them are on the disk that is seen here.
@Suite struct GalaxySignsTests {
    /// A bucket, and a machine whose disk can be changed for another.
    private struct World {
        let store: any ObjectStore
        let layout: JobLayout
        let folder: String

        init(_ store: any ObjectStore = InMemoryObjectStore()) throws {
            self.store = store
            layout = JobLayout(prefix: try KeyPrefix("g"), instance: try InstanceName("main"))
            folder = "/tmp/galaxy-s3-signs-\(Nonce.draw().prefix(12))"
            try Shell.run("mkdir -p \(folder)/disk/jobs/000 \(folder)/disk/jobs/001")
        }

        func remove() { _ = try? Shell.run("rm -rf \(folder)") }

        var jobs: FilePath { get throws { try FilePath("\(folder)/disk/jobs/000") } }

        func signing(_ server: String = "main") throws -> DiskSigning {
            let name = try #require(ServerName(server))
            return DiskSigning(store: store, layout: layout, server: name)
        }

        func sign(_ server: String = "main") async throws {
            try await signing(server).sign(in: jobs)
        }

        var signs: GalaxySigns { GalaxySigns(store: store, layout: layout, pauses: []) }

        var strangers: [String] {
            get async throws { try await signs.strangers().map(\.sign.server) }
        }

        /// Makes a copy of the disk in use.
        func copy(_ name: String) throws { try shell("cp -a disk \(name)") }

        /// Puts another disk in the place of this one, which gets a name.
        func use(
            _ name: String,
            insteadOf old: String
        ) throws {
            try shell("mv disk \(old); mv \(name) disk")
        }

        func shell(_ script: String) throws { try Shell.run("cd \(folder); \(script)") }
    }

    @Test("a Galaxy of one disk is never its own stranger, however many servers and hosts it has")
    func oneDisk() async throws {
        let world = try World()
        defer { world.remove() }
        try await world.signs.check()
        for _ in 0..<5 {
            for server in ["main", "handler 1", "handler/2"] {
                try await world.sign(server)
                try await world.signs.check()
            }
        }
        #expect(try await world.signs.all().count == 3, "each has one sign")
        // Another machine, with the same files.
        try world.copy("moved")
        try world.use("moved", insteadOf: "first")
        try await world.signs.check()
        try await world.sign()
        try await world.signs.check()
        #expect(try await world.signs.all().count == 3)
    }

    @Test("a copy of the disk is told apart as soon as the first one signs again")
    func aCopy() async throws {
        let world = try World()
        defer { world.remove() }
        try await world.sign()
        try world.copy("clone")
        try await world.sign()
        try await world.signs.check()
        try world.use("clone", insteadOf: "first")
        #expect(try await world.strangers == ["main"])
        // The copy signs too, in a place of its own: each sees the other from now on.
        #expect(try await world.signing().lastPlace() == world.jobs)
        try await world.sign()
        #expect(try await world.strangers == ["main"])
        try world.use("first", insteadOf: "clone")
        #expect(try await world.strangers == ["main"])
        try await world.sign()
        #expect(try await world.signs.all().count == 2)
    }

    @Test("a copy that signs first takes the sign over, and the first one makes another")
    func aCopyThatIsQuicker() async throws {
        let world = try World()
        defer { world.remove() }
        try await world.sign()
        try world.copy("clone")
        try world.use("clone", insteadOf: "first")
        try await world.sign()
        try world.use("first", insteadOf: "clone")
        #expect(try await world.strangers == ["main"])
        try await world.sign()
        #expect(try await world.strangers == ["main"])
        try world.use("clone", insteadOf: "first")
        #expect(try await world.strangers == ["main"])
    }

    @Test("a second Galaxy with the same settings is told apart")
    func aSecondGalaxy() async throws {
        let world = try World()
        defer { world.remove() }
        try await world.sign("main")
        try world.shell("mkdir -p other/jobs/000")
        try world.use("other", insteadOf: "first")
        #expect(try await world.strangers == ["main"])
        try await world.sign("main")
        try world.use("first", insteadOf: "other")
        #expect(try await world.strangers == ["main"])
    }

    @Test("it may be cut off after each of its steps, and the store's answers may be lost")
    func cutOff() async throws {
        for failing in 0..<6 {
            let count = Counter()
            let store = InMemoryObjectStore { call throws(S3Error) in
                guard call.kind == .put, count.next() == failing else { return }
                throw S3Error(.unavailable, what: "no answer")
            }
            let world = try World(store)
            defer { world.remove() }
            for _ in 0..<4 {
                _ = try? await world.sign()
                try await world.signs.check()
            }
            #expect(try await world.signs.all().count == 1)
        }
    }

    @Test("a disk that shows a word late is looked at again")
    func aSlowDisk() async throws {
        let world = try World()
        defer { world.remove() }
        try await world.sign()
        try world.copy("slow")
        try await world.sign()
        try world.use("slow", insteadOf: "first")
        var signs = world.signs
        signs.pauses = [.milliseconds(300), .seconds(5), .seconds(5)]
        async let strangers = signs.strangers()
        try await Task.sleep(for: .milliseconds(100))
        try world.use("first", insteadOf: "slow")
        #expect(try await strangers.isEmpty)
    }

    @Test("who is gone for good is forgotten, who lives is not")
    func adoption() async throws {
        let world = try World()
        defer { world.remove() }
        try await world.sign()
        let signed = try #require(try await world.signs.all().first?.signed)
        try world.shell("mkdir -p new/jobs/000")
        try world.use("new", insteadOf: "old")
        let error = await #expect(throws: HeadError.self) {
            try await world.signs.adopt(now: signed + GalaxySigns.longestSilence - 1)
        }
        #expect(error?.code == .busy)
        #expect(try await world.strangers == ["main"])
        let gone = try await world.signs.adopt(now: signed + GalaxySigns.longestSilence)
        #expect(gone.map(\.sign.server) == ["main"])
        try await world.signs.check()
        // It was not gone after all.
        try world.use("old", insteadOf: "new")
        try await world.sign()
        try world.use("new", insteadOf: "old")
        #expect(try await world.strangers == ["main"])
    }

    @Test("words that cannot be read are no words", arguments: ["", "{", "rm", "mkdir"])
    func damagedWords(_ what: String) async throws {
        let world = try World()
        defer { world.remove() }
        try await world.sign()
        let file = try #require(try await world.signs.all().first?.sign.file)
        switch what {
        case "rm": try Shell.run("rm \(file)")
        case "mkdir": try Shell.run("rm \(file); mkdir \(file)")
        default: try Shell.run("printf '%s' '\(what)' > \(file)")
        }
        #expect(try await world.strangers == ["main"])
    }

    @Test("words that cannot be read for a moment are not replaced")
    func unreadableWords() async throws {
        let world = try World()
        defer { world.remove() }
        try await world.sign()
        let file = try #require(try await world.signs.all().first?.sign.file)
        // What no user may read, root included.
        try Shell.run("mv \(file) \(file).words; mkdir \(file)")
        await #expect(throws: HeadError.self) { try await world.sign() }
        #expect(try await world.strangers == ["main"], "who cannot look frees nothing")
        try Shell.run("rmdir \(file); mv \(file).words \(file)")
        #expect(try await world.strangers == [])
        try await world.sign()
        #expect(try await world.signs.all().count == 1, "it is the sign that it was")
    }

    @Test("a directory of Galaxy's that is gone is said, and none is made")
    func noDirectory() async throws {
        let world = try World()
        defer { world.remove() }
        let jobs = try world.jobs
        try Shell.run("rmdir \(jobs)")
        let error = await #expect(throws: HeadError.self) { try await world.sign() }
        #expect(error?.code == .input)
        #expect(try await world.signs.all().isEmpty)
    }
}
