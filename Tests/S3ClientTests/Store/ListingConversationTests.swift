// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import S3Client
import TestSupport
import Testing
import Transport

/// Listings that no honest store makes come to an end, too (F30, F76).
@Suite struct ListingConversationTests {
    private static func page(
        _ keys: [String],
        next: String? = nil,
        isEncoded: Bool = true
    ) -> ScriptedTransport.Reply {
        let entries = keys.map { "<Contents><Key>\($0)</Key><Size>1</Size></Contents>" }
        let more = next.map {
            "<IsTruncated>true</IsTruncated><NextContinuationToken>\($0)</NextContinuationToken>"
        }
        return .xml(
            "<ListBucketResult>" + (isEncoded ? "<EncodingType>url</EncodingType>" : "")
                + (more ?? "<IsTruncated>false</IsTruncated>") + entries.joined()
                + "</ListBucketResult>"
        )
    }

    private func entries(
        _ talk: Conversation,
        below prefix: String = ""
    ) async throws(S3Error) -> [String] {
        try await talk.store.entries(below: Array(prefix.utf8)).map(\.key.logSafe)
    }

    @Test func `pages are followed`() async throws {
        let talk = try Conversation(
            Self.page(["a", "b"], next: "t1"),
            Self.page([], next: "t2"),
            Self.page(["c"])
        )
        #expect(try await entries(talk) == ["a", "b", "c"])
        #expect(talk.lines[1].contains("continuation-token=t1"))
        #expect(talk.lines.allSatisfy { $0.contains("encoding-type=url") })
    }

    @Test func `keys that come twice count once`() async throws {
        let talk = try Conversation(Self.page(["a", "b"], next: "t1"), Self.page(["b", "c"]))
        #expect(try await entries(talk) == ["a", "b", "c"])
    }

    @Test(arguments: [
        [page(["a"], next: "t1")],
        [page(["a"], next: "t1"), page(["b"], next: "t2"), page(["c"], next: "t1")],
        [page(["a"], next: "t1"), page(["a"], next: "t2"), page(["a"], next: "t3")],
    ])
    func `circles are found`(pages: [ScriptedTransport.Reply]) async throws {
        let talk = try Conversation { pages[min($0.number, pages.count) - 1] }
        let found = await code { () throws(S3Error) in try await entries(talk) }
        #expect(found == .badAnswer)
        #expect(talk.requests.count < 30)
    }

    @Test func `one page under ever new names is found`() async throws {
        let talk = try Conversation { seen in
            Self.page(["a"], next: seen.number > 50 ? nil : "t\(seen.number)")
        }
        let found = await code { () throws(S3Error) in try await entries(talk) }
        #expect(found == .badAnswer)
        #expect(talk.requests.count == 2)
    }

    @Test func `the longest page that S3 makes is read`() async throws {
        let key = String(repeating: "%01", count: 1020)
        let keys = (1000..<2000).map { "\($0)" + key }
        let talk = try Conversation(Self.page(keys))
        #expect(try await talk.store.entries(below: []).count == 1000)
    }

    @Test func `a page of 50 MiB is not taken in, and said to be too long`() async throws {
        let page = Self.page([String(repeating: "x", count: 50 << 20)])
        let talk = try Conversation(
            policy: .init(attempts: 2, time: .seconds(60), whenBudgetIsEmpty: .fail),
            page
        )
        let error = await #expect(throws: S3Error.self) { try await entries(talk) }
        #expect(error?.code == .badAnswer)
        #expect(error?.line.contains("longer than 8388608 bytes") == true, "\(error?.line ?? "")")
        #expect(talk.requests.count == 2)
    }

    @Test func `keys from elsewhere are an error`() async throws {
        for key in ["other/a", "../jobs/1", "jobs/12"] {
            let talk = try Conversation(Self.page([key]))
            let found = await code { () throws(S3Error) in
                try await entries(talk, below: "jobs/1/")
            }
            #expect(found == .badAnswer)
        }
    }

    @Test func `a store that ignores the encoding is taken at its word`() async throws {
        let talk = try Conversation(Self.page(["a%2Fb+c"], isEncoded: false))
        #expect(try await entries(talk) == ["a%2Fb+c"])
    }

    @Test func `a prefix of any bytes`() async throws {
        let talk = try Conversation(Self.page([]))
        _ = try await talk.store.list(
            prefix: [0xFF, UInt8(ascii: "&"), UInt8(ascii: "+")],
            delimiter: UInt8(ascii: "/"),
            token: "a+b/=",
            limit: 7
        )
        #expect(
            talk.lines == [
                "GET ?continuation-token=a%2Bb%2F%3D&delimiter=%2F&encoding-type=url&list-type=2"
                    + "&max-keys=7&prefix=%FF%26%2B"
            ]
        )
    }
}
