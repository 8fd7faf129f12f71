// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import TestSupport
import Testing
import Transport

@testable import S3Client

/// What a person reads.
@Suite struct ErrorTextTests {
    private func line(_ use: Use, _ reply: ScriptedTransport.Reply) async throws -> String {
        let talk = try Conversation(
            policy: RetryPolicy(attempts: 2, time: .seconds(60), whenBudgetIsEmpty: .fail),
            reply
        )
        do throws(S3Error) {
            try await use.run(on: talk.store)
            return "no error"
        } catch {
            #expect(!error.tree.contains("a-secret-that-must-not-show"))
            return error.line
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let use: Use
        let reply: ScriptedTransport.Reply
        let text: String

        init(_ use: Use, _ reply: ScriptedTransport.Reply, _ text: String) {
            self.use = use
            self.reply = reply
            self.text = text
        }

        var testDescription: String { text }
    }

    static let cases: [Case] = [
        Case(
            .put,
            .error(403, "AccessDenied"),
            """
            Cannot put s3://bucket/k: access denied (403 AccessDenied, request 4F2A, 1 \
            attempt). Allow s3:PutObject on s3://bucket/k for access key AKIA…LE.
            """
        ),
        Case(
            .get,
            .error(403, "SignatureDoesNotMatch"),
            """
            Cannot get s3://bucket/k: the secret key is wrong (403 SignatureDoesNotMatch, \
            request 4F2A, 1 attempt). Correct the secret that belongs to access key \
            AKIA…LE; if it is right, see whether a proxy changes requests to \
            https://s3.example.org.
            """
        ),
        Case(
            .list,
            .error(403, "InvalidAccessKeyId"),
            """
            Cannot list s3://bucket/: the access key is not known (403 InvalidAccessKeyId, \
            request 4F2A, 1 attempt). Correct the access key AKIA…LE, or the endpoint: \
            keys belong to one store.
            """
        ),
        Case(
            .delete,
            .error(404, "NoSuchBucket"),
            """
            Cannot delete s3://bucket/k: there is no such bucket (404 NoSuchBucket, \
            request 4F2A, 1 attempt). Create bucket at https://s3.example.org, or correct \
            the bucket.
            """
        ),
        Case(
            .copy,
            .error(404, "NoSuchKey"),
            """
            Cannot copy s3://bucket/k to s3://bucket/k: there is no such object (404 \
            NoSuchKey, request 4F2A, 1 attempt).
            """
        ),
        Case(
            .put,
            .answer(status: 404, body: Array("<html>\n\u{1B}[31mHello</html>".utf8)),
            """
            Cannot put s3://bucket/k: https://s3.example.org does not answer like an S3 \
            store (404, body "<html>\\x0a\\x1b[31mHello</html>", 1 attempt). Set the \
            endpoint to the store's S3 address, not its web page.
            """
        ),
        Case(
            .get,
            .error(403, "InvalidObjectState"),
            """
            Cannot get s3://bucket/k: the object is archived (403 InvalidObjectState, \
            request 4F2A, 1 attempt). Restore it from the archive, then try again.
            """
        ),
        Case(
            .part,
            .error(503, "ServiceUnavailable"),
            """
            Cannot upload a part of s3://bucket/k: the store is in trouble or too busy \
            (503 ServiceUnavailable, request 4F2A, 2 attempts). Try again later; if it stays, ask \
            whoever runs https://s3.example.org.
            """
        ),
        Case(
            .get,
            .error(301, "PermanentRedirect"),
            """
            Cannot get s3://bucket/k: the bucket is elsewhere (301 PermanentRedirect, \
            request 4F2A, 1 attempt). Correct the endpoint or the region (now us-east-1).
            """
        ),
    ]

    @Test(arguments: cases)
    func `answers`(row: Case) async throws {
        #expect(try await line(row.use, row.reply) == row.text)
    }

    @Test(arguments: [
        (TransportError.Code.unresolved, "the host s3.example.org is not known"),
        (.unreachable, "https://s3.example.org cannot be reached"),
        (.interrupted, "the connection to https://s3.example.org broke"),
        (.untrusted, "the certificate of https://s3.example.org is not trusted"),
        (.noTLS, "https://s3.example.org does not speak TLS at that port"),
        (.proxy, "the proxy refused"),
    ])
    func `no answers`(code: TransportError.Code, text: String) async throws {
        let found = try await line(.get, .failure(code))
        #expect(found.contains("Cannot get s3://bucket/k: " + text))
        #expect(found.contains("The script says"))
    }

    @Test func `a cancelled request says so once`() async throws {
        let found = try await line(.part, .failure(.cancelled))
        #expect(found == "Cannot upload a part of s3://bucket/k: cancelled.")
    }

    @Test func `hostile names and answers stay on one line`() async throws {
        let talk = try Conversation(.error(403, "Access\u{202E}Denied\r\nx"))
        let key = try ObjectKey(Array("a\nb\u{1B}[2J".utf8) + [0xFF])
        do throws(S3Error) {
            _ = try await talk.store.put(key, bytes: [])
            Issue.record("no error")
        } catch {
            #expect(error.line.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
            #expect(!error.line.unicodeScalars.contains("\u{202E}"))
        }
    }
}
