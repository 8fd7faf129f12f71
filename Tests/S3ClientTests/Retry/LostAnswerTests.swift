// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Synchronization
import TestSupport
import Testing
import Transport

@testable import S3Client

/// A write whose answer is lost is looked up before it is repeated (F70 and F72).
@Suite struct LostAnswerTests {
    /// A server that keeps one object's token and entity tag.
    final class OneObject: Sendable {
        private let state = Mutex<(token: String, number: Int)?>(nil)

        func store(_ seen: ScriptedTransport.Seen) {
            let token = seen.field("x-amz-meta-galaxy-s3-put") ?? ""
            state.withLock { $0 = (token, ($0?.number ?? 0) + 1) }
        }

        var writes: Int { state.withLock { $0?.number ?? 0 } }

        var headReply: ScriptedTransport.Reply {
            state.withLock { state in
                guard let state else { return .answer(status: 404) }
                return .object(
                    [1],
                    eTag: "\"mine\"",
                    metadata: ["galaxy-s3-put": state.token],
                    isHead: true
                )
            }
        }
    }

    static let conditions: [PutCondition?] = [nil, .absent, .matches(ETag("\"old\""))]

    @Test(arguments: conditions)
    func `a put that was done is not repeated`(condition: PutCondition?) async throws {
        let object = OneObject()
        let talk = try Conversation { seen in
            switch seen.request.method {
            case .put:
                object.store(seen)
                return .failure(.interrupted)
            default: return object.headReply
            }
        }
        let eTag = try await talk.store.put(
            Use.key,
            bytes: [1],
            options: PutOptions(condition: condition)
        )
        #expect(eTag == ETag("\"mine\""))
        #expect(talk.lines == ["PUT k", "HEAD k"])
        #expect(object.writes == 1)
    }

    @Test func `a put that was not done is repeated`() async throws {
        let object = OneObject()
        let talk = try Conversation { seen in
            guard seen.request.method == .put else { return object.headReply }
            return seen.number == 1 ? .failure(.interrupted) : .stored
        }
        _ = try await talk.store.put(Use.key, bytes: [1])
        #expect(talk.lines == ["PUT k", "HEAD k", "PUT k"])
    }

    @Test func `a 412 after a lost answer is ours if the object is`() async throws {
        let object = OneObject()
        let heads = Counter()
        let talk = try Conversation { seen in
            switch seen.request.method {
            case .put where seen.number == 1:
                object.store(seen)
                return .failure(.interrupted)
            case .put: return .error(412, "PreconditionFailed")
            // The first look comes too early, as on a store behind several front ends.
            default: return heads.next() == 1 ? .answer(status: 404) : object.headReply
            }
        }
        let eTag = try await talk.store.put(
            Use.key,
            bytes: [1],
            options: PutOptions(condition: .absent)
        )
        #expect(eTag == ETag("\"mine\""))
        #expect(talk.lines == ["PUT k", "HEAD k", "PUT k", "HEAD k"])
    }

    @Test func `a 412 after a lost answer is a loss if the object is another's`() async throws {
        let theirs = ScriptedTransport.Reply.object(
            [1],
            metadata: ["galaxy-s3-put": "theirs"],
            isHead: true
        )
        let talk = try Conversation { seen in
            switch seen.request.method {
            case .put: seen.number == 1 ? .failure(.interrupted) : .error(412, "PreconditionFailed")
            default: theirs
            }
        }
        let found = await code { () throws(S3Error) in
            try await talk.store.put(
                Use.key,
                bytes: [1],
                options: PutOptions(condition: .absent)
            )
        }
        #expect(found == .preconditionFailed)
    }

    @Test(arguments: ["ServiceUnavailable", "SlowDown", ""])
    func `a 412 after a 503 is ours if the object is`(word: String) async throws {
        for isOurs in [true, false] {
            let object = OneObject()
            let talk = try Conversation { seen in
                guard seen.request.method == .put else { return object.headReply }
                guard seen.number == 1 else { return .error(412, "PreconditionFailed") }
                if isOurs { object.store(seen) }
                return .error(503, word)
            }
            let found = await code { () throws(S3Error) in
                try await talk.store.put(
                    Use.key,
                    bytes: [1],
                    options: PutOptions(condition: .absent)
                )
            }
            #expect(found == (isOurs ? nil : .preconditionFailed))
            // A store that is busy is asked nothing that it need not answer.
            #expect(talk.lines == ["PUT k", "PUT k", "HEAD k"])
        }
    }

    @Test func `a 412 without a lost answer is not looked up`() async throws {
        let talk = try Conversation(.error(412, "PreconditionFailed"))
        _ = await code { () throws(S3Error) in
            try await talk.store.put(
                Use.key,
                bytes: [1],
                options: PutOptions(condition: .absent)
            )
        }
        #expect(talk.lines == ["PUT k"])
    }

    @Test(arguments: [
        ScriptedTransport.Reply.failure(.interrupted),
        .xml("<Error><Code>InternalError</Code></Error>"), .xml(""),
    ])
    func `a completion that was done is not repeated`(reply: ScriptedTransport.Reply) async throws {
        let object = OneObject()
        let talk = try Conversation { seen in
            if seen.request.url.hasSuffix("?uploads=") {
                object.store(seen)
                return Use.create.success
            }
            return seen.request.method == .head ? object.headReply : reply
        }
        let id = try await talk.store.createMultipart(Use.key, options: PutOptions())
        let receipt = try await talk.store.completeMultipart(
            Use.key,
            upload: id,
            parts: [UploadedPart(number: 1, eTag: ETag("\"p\""), checksum: nil)],
            checksum: nil,
            condition: .absent
        )
        #expect(receipt.eTag == ETag("\"mine\""))
        #expect(talk.requests.count == 3)
    }

    @Test func `NoSuchUpload after a lost completion is success only if the object is there`()
        async throws
    {
        for isThere in [true, false] {
            let object = OneObject()
            let looks = Counter()
            let talk = try Conversation { seen in
                if seen.request.url.hasSuffix("?uploads=") {
                    if isThere { object.store(seen) }
                    return Use.create.success
                }
                if seen.request.method == .head {
                    return looks.next() == 1 ? .answer(status: 404) : object.headReply
                }
                return seen.number == 2 ? .failure(.interrupted) : .error(404, "NoSuchUpload")
            }
            let id = try await talk.store.createMultipart(Use.key, options: PutOptions())
            let found = await code { () throws(S3Error) in
                try await talk.store.completeMultipart(
                    Use.key,
                    upload: id,
                    parts: [UploadedPart(number: 1, eTag: ETag("\"p\""), checksum: nil)],
                    checksum: nil,
                    condition: nil
                )
            }
            #expect(found == (isThere ? nil : .noSuchUpload))
        }
    }

    @Test func `what was lost and never settled is ambiguous`() async throws {
        let talk = try Conversation(
            policy: .init(attempts: 3, time: .seconds(60), whenBudgetIsEmpty: .fail)
        ) {
            $0.number == 1 ? .failure(.interrupted) : .failure(.unreachable)
        }
        do throws(S3Error) {
            _ = try await talk.store.put(Use.key, bytes: [1])
            Issue.record("no error")
        } catch {
            #expect(error.code == .unreachable)
            #expect(error.isAmbiguous)
            #expect(error.isRetryable)
        }
        let plain = try Conversation(.failure(.unreachable))
        do throws(S3Error) {
            _ = try await plain.store.put(Use.key, bytes: [1])
            Issue.record("no error")
        } catch { #expect(!error.isAmbiguous) }
    }

    @Test func `the token is not shown among the metadata`() async throws {
        let talk = try Conversation(
            .object([1], metadata: ["galaxy-s3-put": "x", "mode": "1"], isHead: true)
        )
        #expect(try await talk.store.head(Use.key)?.metadata == ["mode": "1"])
    }
}
