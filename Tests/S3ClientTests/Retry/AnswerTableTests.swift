// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import TestSupport
import Testing
import Transport

@testable import S3Client

/// Every row of the answer table, for every operation it applies to
/// (F60, F63, F67, F69, F73, F74 and F77).
@Suite struct AnswerTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let status: Int
        let code: String

        var testDescription: String { "\(status) \(code)" }
    }

    static let passing: [Row] = [
        Row(status: 408, code: "RequestTimeout"), Row(status: 429, code: "TooManyRequests"),
        Row(status: 500, code: "InternalError"), Row(status: 502, code: "BadGateway"),
        Row(status: 503, code: "SlowDown"), Row(status: 503, code: "ServiceUnavailable"),
        Row(status: 504, code: "GatewayTimeout"), Row(status: 509, code: "BandwidthLimitExceeded"),
        Row(status: 400, code: "RequestTimeout"), Row(status: 400, code: "ThrottlingException"),
        Row(status: 409, code: "OperationAborted"),
        Row(status: 409, code: "ConditionalRequestConflict"), Row(status: 400, code: "BadDigest"),
    ]

    @Test(arguments: Use.allCases, passing)
    func `passing trouble is tried again`(use: Use, row: Row) async throws {
        let talk = try Conversation { seen in
            // What looks up a lost write sees nothing of it yet.
            if seen.request.method == .head, use != .head { return .error(404, "NoSuchKey") }
            let isFirst = seen.number <= 1
            return isFirst ? .error(row.status, row.code) : use.success
        }
        try await use.run(on: talk.store)
        #expect(talk.clock.pauses.count == 1)
        #expect(talk.store.metrics.counts.retries == 1)
        #expect(talk.budget.remaining == 500)
    }

    @Test(
        arguments: Use.allCases,
        [
            TransportError.Code.unresolved, .unreachable, .interrupted, .truncated,
        ]
    )
    func `a lost connection is tried again`(use: Use, failure: TransportError.Code) async throws {
        let talk = try Conversation { seen in
            if seen.request.method == .head, use != .head { return .error(404, "NoSuchKey") }
            return seen.number == 1 ? .failure(failure) : use.success
        }
        try await use.run(on: talk.store)
        #expect(talk.clock.pauses.count == 1)
    }

    struct Final: Sendable, CustomTestStringConvertible {
        let status: Int
        let word: String
        let code: S3Error.Code

        var testDescription: String { "\(status) \(word)" }
    }

    @Test(
        arguments: Use.allCases,
        [
            Final(status: 403, word: "AccessDenied", code: .accessDenied),
            Final(status: 403, word: "SignatureDoesNotMatch", code: .accessDenied),
            Final(status: 403, word: "InvalidAccessKeyId", code: .accessDenied),
            Final(status: 404, word: "NoSuchBucket", code: .noSuchBucket),
            Final(status: 400, word: "EntityTooLarge", code: .refused),
            Final(status: 507, word: "QuotaExceeded", code: .refused),
            Final(status: 400, word: "InvalidArgument", code: .refused),
            Final(status: 405, word: "MethodNotAllowed", code: .refused),
            Final(status: 412, word: "PreconditionFailed", code: .preconditionFailed),
            Final(status: 501, word: "NotImplemented", code: .refused),
            Final(status: 301, word: "PermanentRedirect", code: .badAnswer),
        ]
    )
    func `what cannot pass is final at once`(use: Use, row: Final) async throws {
        let talk = try Conversation(.error(row.status, row.word))
        let found = await code { () throws(S3Error) in try await use.run(on: talk.store) }
        #expect(found == row.code)
        #expect(talk.requests.count == 1)
    }

    @Test(
        arguments: Use.allCases,
        [
            (TransportError.Code.untrusted, S3Error.Code.untrusted), (.proxy, .unreachable),
            (.bodySource, .source), (.cancelled, .cancelled), (.usage, .configuration),
            (.noTLS, .configuration),
        ]
    )
    func `what cannot pass on the way is final at once`(
        use: Use,
        row: (TransportError.Code, S3Error.Code)
    ) async throws {
        let talk = try Conversation(.failure(row.0))
        let found = await code { () throws(S3Error) in try await use.run(on: talk.store) }
        #expect(found == row.1)
        #expect(talk.requests.count == 1)
    }

    @Test(
        arguments: Use.allCases.filter(\.answersWithXML),
        [
            "<Error><Code>InternalError</Code></Error>", "", "   \n", "<Comp", "<html/>", "{}",
            "<Error><Code>SlowDown</Code></Error>",
        ]
    )
    func `200 with an error or junk inside is tried again`(use: Use, body: String) async throws {
        let talk = try Conversation { seen in
            if seen.request.method == .head { return .error(404, "NoSuchKey") }
            return seen.number == 1 ? .xml(body) : use.success
        }
        try await use.run(on: talk.store)
        #expect(talk.clock.pauses.count == 1)
    }

    @Test(arguments: Use.allCases)
    func `a skewed clock is corrected once`(use: Use) async throws {
        let date = HTTPField("date", "Tue, 14 Nov 2023 22:33:20 GMT")  // 20 minutes ahead
        let talk = try Conversation { seen in
            let stamp = seen.field("x-amz-date") ?? ""
            return stamp.hasPrefix("20231114T2233")
                ? use.success : .error(403, "RequestTimeTooSkewed", fields: [date])
        }
        try await use.run(on: talk.store)
        #expect(talk.requests.count == 2)
        #expect(
            talk.events.all == [
                .clockCorrected(
                    ours: Timestamp(seconds: 1_700_000_000),
                    theirs: Timestamp(seconds: 1_700_001_200)
                )
            ]
        )
        // Known from now on.
        try await use.run(on: talk.store)
        #expect(talk.requests.count == 3)
    }

    @Test func `a clock that stays wrong is said with both times`() async throws {
        let date = HTTPField("date", "Tue, 14 Nov 2023 22:33:20 GMT")
        let talk = try Conversation(.error(403, "RequestTimeTooSkewed", fields: [date]))
        do throws(S3Error) {
            try await Use.put.run(on: talk.store)
            Issue.record("no error")
        } catch {
            #expect(error.code == .clockSkew)
            #expect(error.line.contains("2023-11-14T22:13:20Z"))
            #expect(error.line.contains("2023-11-14T22:33:20Z"))
        }
        #expect(talk.requests.count == 2)
    }

    @Test(arguments: Use.allCases, ["ExpiredToken", "InvalidToken", "RequestExpired"])
    func `expired credentials are loaded again once`(use: Use, word: String) async throws {
        let source = CountingCredentials()
        let talk = try Conversation(credentials: source) { seen in
            (seen.field("authorization") ?? "").contains("Credential=KEY2/")
                ? use.success : .error(400, word)
        }
        try await use.run(on: talk.store)
        #expect(talk.requests.count == 2)
        #expect(source.count == 2)

        let never = try Conversation { $0.number > 20 ? use.success : .error(400, word) }
        let found = await code { () throws(S3Error) in try await use.run(on: never.store) }
        #expect(found == .accessDenied)
        #expect(never.requests.count == 2)
    }

    /// As AWS does it: the answer to a HEAD has no body that could say why.
    @Test(arguments: CountingCredentials.Kind.thatEnd)
    func `a HEAD's 400 may mean expired credentials`(
        kind: CountingCredentials.Kind
    ) async throws {
        let source = CountingCredentials(kind)
        let talk = try Conversation(credentials: source) { seen in
            (seen.field("authorization") ?? "").contains("Credential=KEY2/")
                ? Use.head.success : .answer(status: 400)
        }
        try await Use.head.run(on: talk.store)
        #expect(talk.requests.count == 2)
        #expect(source.count == 2)

        // A key that stays is not dropped for it.
        for (kind, requests) in [(kind, 2), (.staying, 1)] {
            let source = CountingCredentials(kind)
            let never = try Conversation(credentials: source) { _ in .answer(status: 400) }
            let found = await code { () throws(S3Error) in try await Use.head.run(on: never.store) }
            #expect(found == .refused)
            #expect(never.requests.count == requests)
        }
    }

    @Test(arguments: Use.allCases)
    func `another region is signed for once`(use: Use) async throws {
        let field = HTTPField("x-amz-bucket-region", "eu-west-3")
        for reply in [
            ScriptedTransport.Reply.answer(status: 301, fields: [field]),
            .answer(status: 307, fields: [field, HTTPField("location", "https://evil.example/")]),
            .answer(status: 400, fields: [field]),
            .error(400, "AuthorizationHeaderMalformed", extra: "<Region>eu-west-3</Region>"),
        ] {
            let talk = try Conversation { seen in
                (seen.field("authorization") ?? "").contains("/eu-west-3/s3/") ? use.success : reply
            }
            try await use.run(on: talk.store)
            #expect(talk.requests.count == 2)
            #expect(talk.events.all == [.regionCorrected(from: "us-east-1", to: "eu-west-3")])
            #expect(
                talk.requests.allSatisfy {
                    $0.request.url.hasPrefix("https://s3.example.org/")
                }
            )
        }
    }

    @Test(arguments: Use.allCases)
    func `a store that sends us from region to region is left`(use: Use) async throws {
        let talk = try Conversation { seen in
            let field = HTTPField("x-amz-bucket-region", "region-\(seen.number)")
            return seen.number > 20 ? use.success : .answer(status: 301, fields: [field])
        }
        let found = await code { () throws(S3Error) in try await use.run(on: talk.store) }
        #expect(found == .badAnswer)
        #expect(talk.requests.count == 2)
    }

    @Test func `a hostile region is not signed for`() async throws {
        let field = HTTPField("x-amz-bucket-region", "eu/../west")
        let talk = try Conversation(.answer(status: 301, fields: [field]))
        let found = await code { () throws(S3Error) in try await Use.get.run(on: talk.store) }
        #expect(found == .badAnswer)
        #expect(talk.requests.count == 1)
    }

    @Test func `HEAD of nothing is nil and of a forbidden object an error`() async throws {
        let absent = try Conversation(.answer(status: 404))
        #expect(try await absent.store.head(Use.key) == nil)
        let denied = try Conversation(.answer(status: 403))
        let found = await code { () throws(S3Error) in try await denied.store.head(Use.key) }
        #expect(found == .accessDenied)
    }

    @Test func `damage on the way up is given up after four attempts`() async throws {
        let talk = try Conversation(.error(400, "BadDigest"))
        let found = await code { () throws(S3Error) in try await Use.put.run(on: talk.store) }
        #expect(found == .corrupted)
        #expect(talk.requests.count == 4)
    }

    @Test func `only the keys that failed are deleted again`() async throws {
        let keys = try ["a", "b", "c"].map { try ObjectKey($0) }
        let talk = try Conversation(
            .xml(
                "<DeleteResult><Error><Key>b</Key><Code>InternalError</Code></Error>"
                    + "</DeleteResult>"
            ),
            .xml("<DeleteResult/>")
        )
        try await talk.store.delete(keys)
        #expect(talk.requests.count == 2)
        let second = String(decoding: talk.requests[1].body, as: UTF8.self)
        #expect(second.contains("<Key>b</Key>"))
        #expect(!second.contains("<Key>a</Key>"))
        let denied = try Conversation(
            .xml(
                "<DeleteResult><Error><Key>c</Key><Code>AccessDenied</Code></Error></DeleteResult>"
            )
        )
        do throws(S3Error) {
            try await denied.store.delete(keys)
            Issue.record("no error")
        } catch {
            #expect(error.code == .accessDenied)
            #expect(error.line.contains("s3://bucket/c"))
        }
    }
}

/// KEY1, KEY2 and so on, one a look-up.
final class CountingCredentials: CredentialsProvider {
    enum Kind {
        case staying
        /// With a token, or an end, that says that they end one day.
        case withToken, withEnd

        static let thatEnd: [Kind] = [.withToken, .withEnd]
    }

    private let counter = Counter()
    private let kind: Kind

    init(_ kind: Kind = .staying) { self.kind = kind }

    var count: Int { counter.value }

    func find() async throws(S3Error) -> CredentialsFinding {
        let name = "KEY\(counter.next())"
        return .found(
            Credentials(
                accessKeyID: name,
                secretKey: Redacted("s"),
                sessionToken: kind == .withToken ? Redacted("t") : nil,
                expires: kind == .withEnd ? Timestamp(seconds: 4_000_000_000) : nil
            )
        )
    }
}
