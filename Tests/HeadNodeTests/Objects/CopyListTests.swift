// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import S3Client
import Testing

@testable import HeadNode

/// Which keys become files. Invariant 7: no key makes us write outside.
@Suite struct DownloadListTests {
    private func list(
        _ keys: [(String, Int64)],
        below prefix: String = "p/"
    ) throws -> DownloadList {
        let items = try keys.map { key, size in
            DownloadList.Item(key: try ObjectKey(prefix + key), size: size)
        }
        return DownloadList(items, below: Array(prefix.utf8))
    }

    private func names(_ list: DownloadList) throws -> [String] {
        try list.items.map { try list.name(of: $0).logSafe }
    }

    @Test func whatFollowsThePrefixIsThePath() throws {
        let list = try list([("a", 1), (".hidden/b c", 2), ("d/e/\u{e9}", 0), ("...", 3)])
        #expect(try names(list) == ["a", ".hidden/b c", "d/e/\u{e9}", "..."])
        #expect(list.refusals.isEmpty)
        #expect(list.directories.isEmpty)
    }

    @Test func namesNeedNotBeText() throws {
        let key = try ObjectKey(Array("p/".utf8) + [0xFF, 0x0A])
        let list = DownloadList([DownloadList.Item(key: key, size: 1)], below: Array("p/".utf8))
        let item = try #require(list.items.first)
        #expect(try list.name(of: item).bytes == [0xFF, 0x0A])
    }

    @Test(arguments: [
        "../x", "a/../../x", "..", ".", "a/./b", "/etc/passwd", "a//b", "//", "a/",
        String(repeating: "n", count: 256),
    ])
    func keysThatAreNoPathBelowAreRefusedByName(_ key: String) throws {
        let list = try list([("good", 1), (key, 1)])
        #expect(try names(list) == ["good"])
        #expect(list.refusals.count == 1)
        let refusal = try #require(list.refusals.first)
        #expect(refusal.what.contains("Cannot download p/\(key)"))
        #expect(refusal.code == .refused)
    }

    @Test func aKeyThatIsFileAndDirectoryIsRefusedAsAFile() throws {
        let list = try list([("a", 1), ("a/b/c", 1), ("a/b", 1), ("x", 1), ("x/", 0), ("y", 1)])
        #expect(try names(list) == ["a/b/c", "y"])
        let refused = list.refusals.map(\.what)
        for name in ["a", "a/b", "x"] {
            #expect(refused.contains { $0.contains("Cannot download p/\(name):") }, "\(refused)")
        }
        #expect(refused.count == 3)
    }

    @Test func aFileWhereAnEmptyDirectoryIsBelowIsRefused() throws {
        let list = try list([("a", 1), ("a/b/", 0)])
        #expect(list.items.isEmpty)
        #expect(list.refusals.count == 1)
    }

    @Test func emptyObjectsThatEndInASlashAreDirectories() throws {
        let list = try list([("", 0), ("d/", 0), ("d/e/", 0), ("f/", 7)])
        #expect(list.directories.map(\.logSafe) == ["d", "d/e"])
        #expect(list.items.isEmpty)
        #expect(list.refusals.count == 1)
    }

    @Test func largeOnesBegin() throws {
        let list = try list([("a", 1), ("b", 16 << 20), ("c", 2)])
        #expect(try names(list) == ["b", "a", "c"])
    }

    @Test func aBucketAloneIsAPrefixToo() throws {
        let list = try list([("a/b", 1), ("/a", 1)], below: "")
        #expect(try names(list) == ["a/b"])
        #expect(list.refusals.count == 1)
    }
}

@Suite struct CopyTallyTests {
    private func status(_ codes: [S3Error.Code]) -> Int32 {
        let tally = CopyTally { _ in }
        for code in codes { tally.failed(S3Error(code, what: "it")) }
        return tally.reading.status
    }

    @Test func theStatusIsThatOfTheFailuresWhereTheyAgree() {
        #expect(status([]) == 0)
        #expect(status([.accessDenied, .accessDenied]) == 77)
        #expect(status([.accessDenied, .noSuchKey]) == 1)
        #expect(status([.noSuchKey, .accessDenied, .accessDenied]) == 1)
    }

    @Test(arguments: [
        (S3Error.Code.unreachable, true), (.noCredentials, true), (.noSuchBucket, true),
        (.noSuchKey, false), (.corrupted, false), (.source, false), (.accessDenied, false),
    ])
    func onlyWhatTheNextWouldMeetTooStopsTheCopy(_ code: S3Error.Code, _ stops: Bool) {
        let tally = CopyTally { _ in }
        tally.failed(S3Error(code, what: "it"))
        #expect(tally.reading.isStopped == stops)
        #expect(tally.reading.failed == 1)
    }

    @Test func whatWasInterruptedIsNoFailure() {
        let tally = CopyTally { _ in Issue.record("nothing is told") }
        tally.failed(S3Error(.cancelled, what: "it"))
        tally.interrupted()
        let report = FolderCopyReport(
            source: "a",
            target: "s3://b/",
            count: tally.reading,
            planned: 7,
            skippedLinks: 0,
            seconds: 1
        )
        #expect(report.status == 130)
        #expect(report.untried == 7)
        #expect(report.text == "a -> s3://b/: 0 files, 0 B in 1.00 s, 0 B/s; 7 not tried")
    }
}
