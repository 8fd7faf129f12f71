// SPDX-License-Identifier: Apache-2.0

import Names
import S3Client
import Testing

@testable import HeadNode

@Suite struct S3URLTests {
    private func url(_ text: String) throws -> S3URL { try S3URL(Array(text.utf8)) }

    @Test(arguments: [
        ("s3://b", "b", ""), ("s3://b/", "b", ""), ("s3://b/k", "b", "k"),
        ("s3://b//k//", "b", "/k//"), ("s3://b/%2F?x#y", "b", "%2F?x#y"),
        ("s3://b/../c", "b", "../c"), ("s3://b/a\u{301}", "b", "a\u{301}"),
    ])
    func theKeyIsAllAfterTheFirstSlash(_ text: String, _ bucket: String, _ key: String) throws {
        #expect(try url(text).bucket == bucket)
        #expect(try url(text).key == Array(key.utf8))
    }

    @Test func keysNeedNotBeText() throws {
        let url = try S3URL(Array("s3://b/".utf8) + [0xFF, 0x0D, 0x0A])
        #expect(try url.object().bytes == [0xFF, 0x0D, 0x0A])
    }

    @Test(arguments: ["", "b/k", "s3:/b/k", "S3://b/k", "s3://", "s3:///k"])
    func everythingElseIsRefused(_ text: String) {
        #expect(throws: S3Error.self) { try url(text) }
    }

    @Test func aFolderKeepsTheFilesName() throws {
        let path = Array("/data/x.bam".utf8)
        #expect(try url("s3://b/in/").object(for: path) == ObjectKey("in/x.bam"))
        #expect(try url("s3://b").object(for: path) == ObjectKey("x.bam"))
        #expect(try url("s3://b/in").object(for: path) == ObjectKey("in"))
    }

    @Test func aBucketAloneIsNoObject() {
        #expect(throws: S3Error.self) { try url("s3://b/").object() }
    }

    // MARK: Arguments

    @Test func damagedArgumentsAreFoundAgain() {
        let raw: [UInt8] = Array("s3://b/".utf8) + [0xC3, 0x28]
        let seen = String(decoding: raw, as: UTF8.self)
        #expect(RawArguments.bytes(of: seen, among: [[1], raw]) == raw)
        #expect(RawArguments.bytes(of: "plain", among: [raw]) == Array("plain".utf8))
        #expect(RawArguments.bytes(of: "a\u{301}", among: []) == Array("a\u{301}".utf8))
        #expect(RawArguments.bytes(of: "\u{FFFD}", among: []) == [0xEF, 0xBF, 0xBD])
    }
}
