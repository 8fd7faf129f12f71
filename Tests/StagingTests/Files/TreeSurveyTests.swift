// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import TestSupport
import Testing

@testable import Staging

@Suite struct TreeSurveyTests {
    private let tree: TemporaryTree
    private let outside: TemporaryTree

    init() throws {
        tree = try TemporaryTree()
        outside = try TemporaryTree()
        try outside.file("canary", "secret")
    }

    private func survey(skipping: [String] = []) throws -> TreeSurvey {
        try TreeSurvey(
            Directory(path: tree.path),
            skipping: Set(skipping.map { ByteString($0) })
        )
    }

    @Test("B17: FIFOs, sockets and devices are refused without a block")
    func special() throws {
        try tree.fifo("d/pipe")
        try tree.file("ok", "x")
        let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(raw) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let place = try tree.at("sock")
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: place.bytes) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        let found = try survey()
        #expect(found.files.map(\.path) == [try tree.at("ok")])
        let refused = found.refused.map { "\($0.path) \($0.reason)" }.sorted()
        #expect(
            try refused == [
                "\(tree.at("d/pipe")) it is a FIFO", "\(tree.at("sock")) it is a socket",
            ]
        )
        let fifo = try tree.at("d/pipe")
        let error = #expect(throws: StagingError.self) { try SurveyedFile(trusted: fifo) }
        #expect(error?.code == .refused)
    }

    /// So many names are looked at by two threads.
    @Test func aLargeDirectoryIsSurveyedAsASmallOne() throws {
        for number in 0..<600 {
            let name = "d/\(number)"
            switch number % 20 {
            case 3: try tree.directory(name)
            case 5: try tree.link(name, to: "1")
            case 7: try tree.fifo(name)
            default: try tree.file(name, [UInt8](repeating: 1, count: number))
            }
        }
        let found = try survey()
        for (paths, expected) in [
            (found.files.map(\.path), 510), (found.links.map(\.path), 30),
            (found.refused.map(\.path), 30),
        ] {
            #expect(paths.count == expected)
            #expect(paths == paths.sorted())
        }
        #expect(found.directories.count == 32)
        for file in found.files {
            #expect(file.size == Int64(String(decoding: file.path.lastComponent, as: UTF8.self)))
            _ = try file.open()
        }
    }

    @Test("B15: links of every kind are listed, none is followed")
    func links() throws {
        try tree.file("in/file", "x")
        let targets = [
            "tree": "in/file", "dir": "in", "up": "../x", "abs": outside.path.description,
            "dangling": "nowhere", "loop": "loop", "proc": "/proc/self/environ", "chain": "tree",
            "self": ".",
        ]
        for (name, target) in targets { try tree.link("links/\(name)", to: target) }
        let found = try survey()
        #expect(found.files.map(\.path) == [try tree.at("in/file")])
        #expect(found.refused.isEmpty)
        var listed: [FilePath: ByteString] = [:]
        for link in found.links { listed[link.path] = link.target }
        #expect(listed.count == targets.count)
        for (name, target) in targets {
            #expect(try listed[tree.at("links/\(name)")] == ByteString(target))
        }
    }

    @Test("B13, B14: empty directories and hidden files are found")
    func emptyAndHidden() throws {
        try tree.directory("a/b/c")
        for name in [".hidden", ".nfs0001", "core", "x.lock", ".d/x"] { try tree.file(name) }
        let found = try survey()
        #expect(found.files.count == 5)
        let expected = try ["a", "a/b", "a/b/c", ".d"].map { try tree.at($0) } + [tree.path]
        #expect(found.directories.map(\.path).sorted() == expected.sorted())
        #expect(found.directories.first?.path == tree.path)
    }

    @Test func skippingIsForTheTopAlone() throws {
        try tree.file("tmp/x")
        try tree.file("a/tmp/x")
        #expect(try survey(skipping: ["tmp"]).files.map(\.path) == [tree.at("a/tmp/x")])
    }

    @Test("B03, B04, B12: odd names are found as they are")
    func oddNames() throws {
        let names: [[UInt8]] = [
            Array("\u{e9}".utf8), Array("e\u{301}".utf8), [0xFF], Array("a\nb".utf8),
            Array("A".utf8),
            Array("a".utf8), [UInt8](repeating: 0x6E, count: 255), Array("\\xff".utf8),
        ]
        for (index, name) in names.enumerated() {
            try TemporaryTree.write([UInt8(index)], to: try tree.at(name))
        }
        let found = try survey()
        #expect(found.files.count == names.count)
        for (index, name) in names.enumerated() {
            let path = try tree.at(name)
            let file = try #require(found.files.first { $0.path == path })
            #expect(try file.open().readAll(limit: 10, name: path) == [UInt8(index)])
        }
    }

    @Test("B10: depth 200, and a tree too deep for a path")
    func deep() throws {
        let deep = String(repeating: "d/", count: 200) + "f"
        try tree.file(deep, "x")
        #expect(try survey().files.map(\.path) == [tree.at(deep)])

        // Deeper than a path can say: made step by step, as a tool in its own directory can.
        var at = open(tree.path.description, O_RDONLY | O_DIRECTORY)
        let name = String(repeating: "n", count: 250)
        for _ in 0..<20 {
            #expect(mkdirat(at, name, 0o755) == 0)
            let next = openat(at, name, O_RDONLY | O_DIRECTORY)
            close(at)
            at = next
        }
        close(at)
        let found = try survey()
        #expect(found.files.count == 1)
        #expect(found.refused.map(\.reason) == ["what it holds has too long a path"])
        // Our own removal works with paths too; the shell's does not.
        let words = ["rm", "-rf", tree.path.description]
        #expect(try ChildProcess.run(words, input: "/dev/null", output: "/dev/null") == 0)
    }

    @Test("B22: 20,000 files with a handful of descriptors")
    func many() throws {
        for folder in 0..<40 {
            try tree.directory("\(folder)")
            for file in 0..<500 {
                let path = try tree.at("\(folder)/\(file)")
                let raw = path.withCString { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
                close(raw)
            }
        }
        let found = try survey()
        #expect(found.files.count == 20_000)
        // Descriptors are opened at need, and closed: as many more files could be surveyed.
        for file in found.files.prefix(3_000) { _ = try file.open() }
        #expect(descriptorsBelow(tree.path) <= 2)
        withExtendedLifetime(found) {}
    }

    /// How many of this process's descriptors are open at or below `path`.
    private func descriptorsBelow(_ path: FilePath) -> Int {
        var count = 0
        var target = [UInt8](repeating: 0, count: 4_096)
        for number in 0..<4_096 {
            let length = target.withUnsafeMutableBytes { space in
                space.bindMemory(to: CChar.self).baseAddress
                    .map { readlink("/proc/self/fd/\(number)", $0, space.count) } ?? 0
            }
            guard length > 0 else { continue }
            if target[..<length].starts(with: path.bytes) { count += 1 }
        }
        return count
    }

    @Test("invariant 7: a directory swapped for a link after the survey leads nowhere")
    func swappedDirectory() throws {
        let file = try tree.file("d/canary", "secret")
        let found = try survey()
        let surveyed = try #require(found.files.first { $0.path == file })
        let directory = try tree.at("d")
        let moved = try tree.at("moved")
        _ = directory.withCString { from in moved.withCString { rename(from, $0) } }
        try tree.link("d", to: outside.path.description)
        let error = #expect(throws: StagingError.self) { try surveyed.open() }
        #expect(error?.code == .refused)

        let top = try Directory(path: tree.path)
        let inside = try RelativePath("d/canary")
        #expect(throws: StagingError.self) { try top.open(inside, O_RDONLY) }
        #expect(throws: StagingError.self) { try top.status(inside) }
        #expect(throws: StagingError.self) { try top.remove(inside) }
        #expect(throws: StagingError.self) {
            try top.rename(RelativePath("moved/canary"), to: inside)
        }
        #expect(throws: StagingError.self) { try top.makeDirectories(RelativePath("d/new")) }
        #expect(throws: StagingError.self) { try top.makeLink(inside, to: ByteString("x")) }
        #expect(throws: StagingError.self) { try top.directory(RelativePath("d")) }
        #expect(throws: StagingError.self) {
            try top.open(RelativePath("d/new"), O_WRONLY | O_CREAT | O_EXCL)
        }
        #expect(try TemporaryTree.snapshot(outside.path).count == 1)
        #expect(try TemporaryTree.read(outside.at("canary")) == Array("secret".utf8))
    }

    @Test("B20: a directory that may not be read is named, the rest is found")
    func unreadable() throws {
        try tree.file("open/f", "x")
        try tree.file("shut/f", "x")
        try tree.file("listed/f", "x")
        _ = try tree.at("listed").withCString { chmod($0, 0o444) }
        _ = try tree.at("shut").withCString { chmod($0, 0) }
        let found = try asNobody { try survey() }
        #expect(found.files.map(\.path) == [try tree.at("open/f")])
        #expect(try found.refused.map(\.path).sorted() == [tree.at("listed/f"), tree.at("shut")])
        #expect(found.refused.allSatisfy { $0.reason == "it may not be read" })
    }

    @Test func theTopMustBeThere() throws {
        let missing = try tree.at("missing")
        let error = #expect(throws: StagingError.self) { try TreeSurvey(Directory(path: missing)) }
        #expect(error?.code == .missing)
        #expect(error?.what.contains("/missing") == true)
    }
}

@Suite struct TreeRemovalTests {
    private let tree: TemporaryTree
    private let outside: TemporaryTree

    init() throws {
        tree = try TemporaryTree()
        outside = try TemporaryTree()
        try outside.file("canary", "secret")
    }

    @Test("invariant 7: removal goes through no link")
    func links() throws {
        try tree.link("top/a/link", to: outside.path.description)
        try tree.file("top/a/b/c", "x")
        try tree.fifo("top/pipe")
        _ = try tree.at("top/a/b").withCString { chmod($0, 0) }
        try TreeRemoval.remove(tree.at("top"))
        #expect(FileStatus(at: try tree.at("top")) == nil)
        #expect(try TemporaryTree.snapshot(outside.path).count == 1)
    }

    @Test("invariant 7: a link in place of the directory is not followed")
    func linkAtTop() throws {
        let link = try tree.link("top", to: outside.path.description)
        let error = #expect(throws: StagingError.self) { try TreeRemoval.remove(link) }
        #expect(error?.code == .refused)
        #expect(try TemporaryTree.snapshot(outside.path).count == 1)
    }

    @Test func nothingThereIsFine() throws {
        try TreeRemoval.remove(tree.at("missing"))
        try tree.file(String(repeating: "d/", count: 300) + "f")
        try TreeRemoval.remove(tree.at("d"))
        #expect(try survey().files.isEmpty)
    }

    @Test("deeper than a path can say, as `mkdir` and `cd` in turn make it")
    func deeperThanAPath() throws {
        let name = String(repeating: "n", count: 50)
        try tree.file("top/f")
        var here = open(try tree.at("top").description, O_RDONLY | O_DIRECTORY)
        for _ in 0..<90 {
            #expect(mkdirat(here, name, 0o755) == 0)
            let next = openat(here, name, O_RDONLY | O_DIRECTORY)
            #expect(next >= 0)
            close(here)
            here = next
        }
        #expect(fchmod(here, 0) == 0)
        close(here)
        try TreeRemoval.remove(tree.at("top"))
        #expect(FileStatus(at: try tree.at("top")) == nil)
    }

    private func survey() throws -> TreeSurvey { try TreeSurvey(Directory(path: tree.path)) }
}
