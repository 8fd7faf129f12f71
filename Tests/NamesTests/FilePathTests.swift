// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import TestSupport
import Testing

@Suite struct FilePathTests {
    @Test(arguments: [
        "/", "/a", "/a/b", "/ a ", "/a\nb", "/a\r\nb", "/...", "/a/..b", "/a/b..", "/-rf", "/~",
        "/%2F", "/a\u{202E}b", "/.hidden", "/a\\b",
    ])
    func normalPathsAreTakenAsTheyAre(_ text: String) throws {
        #expect(try FilePath(text).bytes == Array(text.utf8))
    }

    @Test(
        "B26: paths that are not normal are refused",
        arguments: [
            "", "a", "a/b", "../x", ".", "..", "//", "//x", "/a/", "/a//b", "/./a", "/a/.", "/a/..",
            "/a/../b", "/..", "/a\u{0}b", "C:\\x",
        ]
    )
    func refused(_ text: String) {
        #expect(throws: NameError.self) { try FilePath(text) }
    }

    @Test(arguments: [
        (
            "a/b",
            "Cannot use the path \"a/b\": it is not absolute. Write an absolute path, one that "
                + "begins with a slash."
        ),
        (
            "/a/..",
            "Cannot use the path \"/a/..\": it holds the name \".\" or \"..\". Rename it, or "
                + "leave it out of the job."
        ),
    ])
    func whatIsWrongIsSaidInWords(_ text: String, _ line: String) {
        let error = #expect(throws: NameError.self) { try FilePath(text) }
        #expect(error?.line == line)
    }

    @Test func aSentenceEndsOnce() {
        struct Sentence: Error, CustomStringConvertible { let description = "It is full." }
        struct Problem: ExplainedError {
            let codeName = "problem"
            let what = "Cannot go on"
            let cause: (any Error)? = Sentence()
        }
        #expect(Problem().line == "Cannot go on: It is full.")
    }

    @Test("B05: a combining mark does not hide ../ from us")
    func combiningMarkAfterParent() throws {
        let trap = "../\u{301}x"
        // What makes this a trap: Swift's text says that the beginning is another.
        #expect(!trap.hasPrefix("../"))
        #expect(throws: NameError.self) { try RelativePath(trap) }
        #expect(throws: NameError.self) { try FilePath("/a/" + trap) }
        #expect(throws: NameError.self) { try FilePath("/a/..".utf8 + Array("/\u{301}".utf8)) }
    }

    @Test("B06: a slash before a combining mark still separates")
    func combiningMarkAfterSlash() throws {
        let path = try FilePath("/a/\u{301}b")
        #expect(path.components.map { Array($0) } == [Array("a".utf8), Array("\u{301}b".utf8)])
        #expect(try path.isAtOrBelow(FilePath("/a")))
    }

    @Test("B04: NFC and NFD are two names")
    func normalForms() throws {
        let composed = try FilePath("/caf\u{e9}")
        let decomposed = try FilePath("/cafe\u{301}")
        #expect("/caf\u{e9}" == "/cafe\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(try !FilePath("/cafe\u{301}/x").isAtOrBelow(composed))
    }

    @Test("B10: names of 255 bytes and paths of 4,095, not one more")
    func limits() throws {
        let name = [UInt8](repeating: 0x61, count: 255)
        #expect(try FilePath([0x2F] + name).lastComponent.count == 255)
        #expect(throws: NameError.self) { try FilePath([0x2F] + name + [0x61]) }
        let deep = [UInt8]((0..<2047).flatMap { _ in Array("/a".utf8) })
        #expect(try FilePath(deep + [0x61]).bytes.count == 4095)
        let error = #expect(throws: NameError.self) { try FilePath(deep + Array("aa".utf8)) }
        #expect(error?.reason == "it has 4096 bytes, Linux takes 4095")
        let long = #expect(throws: NameError.self) { try FilePath([0x2F] + name + [0x61]) }
        #expect(long?.reason == "a name in it has 256 bytes, Linux takes 255")
    }

    @Test func errorsNameThePathOnOneShortLine() {
        let error = #expect(throws: NameError.self) { try FilePath("a\nb\u{202E}") }
        #expect(
            error?.what == #"Cannot use the path "a\x0ab\u{202e}": it is not absolute"#
        )
        let long = #expect(throws: NameError.self) {
            try FilePath(Array(repeating: 0x61, count: 9999))
        }
        #expect((long?.what.utf8.count ?? .max) < 400)
    }

    @Test("B27: below is by component, not by beginning")
    func below() throws {
        let job = try FilePath("/jobs/12")
        #expect(try FilePath("/jobs/12").isAtOrBelow(job))
        #expect(try FilePath("/jobs/12/x").isAtOrBelow(job))
        #expect(try !FilePath("/jobs/123").isAtOrBelow(job))
        #expect(try !FilePath("/jobs/123/x").isAtOrBelow(job))
        #expect(try !FilePath("/jobs").isAtOrBelow(job))
        #expect(job.isAtOrBelow(.root))
        #expect(FilePath.root.isAtOrBelow(.root))
        #expect(!FilePath.root.isAtOrBelow(job))
    }

    @Test func relative() throws {
        let job = try FilePath("/jobs/12")
        #expect(try FilePath("/jobs/12/a/b").relative(to: job) == RelativePath("a/b"))
        #expect(job.relative(to: job) == nil)
        #expect(try FilePath("/jobs/123").relative(to: job) == nil)
        #expect(try job.relative(to: .root) == RelativePath("jobs/12"))
        #expect(FilePath.root.relative(to: .root) == nil)
    }

    @Test func parentsEndAtTheRoot() throws {
        #expect(try FilePath("/a/b").parent == FilePath("/a"))
        #expect(try FilePath("/a").parent == .root)
        #expect(FilePath.root.parent == nil)
        #expect(FilePath.root.lastComponent.isEmpty)
    }

    @Test func normalisingDropsWhatMeansNothingAndRefusesParents() throws {
        #expect(try FilePath(normalising: Array("//a/./b//".utf8)) == FilePath("/a/b"))
        #expect(try FilePath(normalising: Array("/".utf8)) == .root)
        #expect(try FilePath(normalising: Array("/./".utf8)) == .root)
        #expect(throws: NameError.self) { try FilePath(normalising: Array("/a/../b".utf8)) }
        #expect(throws: NameError.self) { try FilePath(normalising: Array("a".utf8)) }
        #expect(throws: NameError.self) { try FilePath(normalising: Array("/a\u{0}".utf8)) }
    }

    @Test func appendingTakesOneNameOrARelativePath() throws {
        let top = try FilePath("/a")
        #expect(try top.appending("b") == FilePath("/a/b"))
        #expect(try FilePath.root.appending("b") == FilePath("/b"))
        #expect(try top.appending(RelativePath("b/c")) == FilePath("/a/b/c"))
        for bad in ["", ".", "..", "b/c", "/b", "b\u{0}"] {
            #expect(throws: NameError.self) { try top.appending(bad) }
        }
    }

    @Test func orderIsByBytes() throws {
        let paths = try ["/a/b", "/a-b", "/a", "/B", "/a.b"].map { try FilePath($0) }
        #expect(paths.sorted().map(\.description) == ["/B", "/a", "/a-b", "/a.b", "/a/b"])
    }

    @Test func anyNormalPathIsTheSumOfItsNames() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            var path = FilePath.root
            var names: [[UInt8]] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let name = random.fileName()
                names.append(name)
                path = try path.appending(name)
            }
            #expect(path.components.map { Array($0) } == names)
            #expect(try FilePath(path.bytes) == path)
            let ancestor = try #require(path.parent)
            let below = try RelativePath(names.last ?? [])
            #expect(path.relative(to: ancestor) == below)
            #expect(try ancestor.appending(below) == path)
        }
    }

    @Test func randomBytesNeverMakeAPathThatClimbs() {
        var random = SeededGenerator(seed: 2)
        let alphabet = Array("./a\u{0}".utf8) + [0xCC, 0x81]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &random)
            let bytes = (0..<count).compactMap { _ in alphabet.randomElement(using: &random) }
            guard let path = try? RelativePath(bytes) else { continue }
            #expect(path.bytes.first != 0x2F && !path.bytes.contains(0))
            for name in path.components {
                #expect(!name.elementsEqual("..".utf8) && !name.elementsEqual(".".utf8))
            }
        }
    }

    @Test(
        "B26: relative paths that leave, or are nothing, are refused",
        arguments: ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\u{0}"]
    )
    func refusedRelative(_ text: String) {
        #expect(throws: NameError.self) { try RelativePath(text) }
    }

    @Test("B11: a key has 1 to 1,024 bytes and no NUL")
    func objectKeys() throws {
        #expect(try ObjectKey([UInt8](repeating: 0x61, count: 1024)).bytes.count == 1024)
        let error = #expect(throws: NameError.self) {
            try ObjectKey([UInt8](repeating: 0x61, count: 1025))
        }
        #expect(error?.reason == "it has 1025 bytes, S3 takes 1024")
        #expect(throws: NameError.self) { try ObjectKey("") }
        #expect(throws: NameError.self) { try ObjectKey("a\u{0}b") }
        #expect(try ObjectKey("../a//b/").bytes == Array("../a//b/".utf8))
        #expect(try Set([ObjectKey("\u{e9}"), ObjectKey("e\u{301}")]).count == 2)
        #expect(try !ObjectKey("caf\u{e9}/x").hasPrefix("cafe".utf8))
        #expect(try ObjectKey("cafe\u{301}/x").hasPrefix("cafe".utf8))
    }
}
