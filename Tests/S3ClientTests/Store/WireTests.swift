// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import TestSupport
import Testing
import Transport

@testable import S3Client

/// What each operation sends.
@Suite struct WireTests {
    private func sent(_ use: Use) async throws -> ScriptedTransport.Seen {
        let talk = try Conversation(use.success)
        try await use.run(on: talk.store)
        return try #require(talk.requests.first)
    }

    @Test(arguments: Use.allCases)
    func `every request is signed, and the signature covers all its fields`(use: Use) async throws {
        let seen = try await sent(use)
        let names = try
            #require(seen.field("authorization"))
            .split(separator: "SignedHeaders=", maxSplits: 1)[1]
            .prefix { $0 != "," }
            .split(separator: ";").map(String.init)
        let fields = seen.request.fields.map(\.name).filter { $0 != "authorization" }
        #expect(Set(names) == Set(fields + ["host"]))
    }

    @Test(arguments: [Use.put, .part])
    func `bodies carry their checksum in a signed field`(use: Use) async throws {
        let seen = try await sent(use)
        #expect(seen.field("x-amz-checksum-crc64nvme") == CRC64NVME(of: [1]).base64)
        #expect(seen.field("x-amz-content-sha256") == "UNSIGNED-PAYLOAD")
        #expect(seen.field("transfer-encoding") == nil)
        #expect(seen.field("content-encoding") == nil)
    }

    @Test(arguments: [Use.complete, .deleteMany])
    func `documents are signed by their digest`(use: Use) async throws {
        let seen = try await sent(use)
        #expect(seen.field("x-amz-content-sha256") == SHA256Digest(of: seen.body).hex)
    }

    @Test func `a multi-delete carries its MD5`() async throws {
        let seen = try await sent(.deleteMany)
        #expect(seen.field("content-md5") == Base64.encode(MD5.digest(of: seen.body)))
    }

    @Test func `a plain HTTP store without checksums gets a signed body`() async throws {
        let transport = ScriptedTransport([.stored])
        let endpoint = try S3Endpoint(
            url: "http://127.0.0.1:9000",
            bucket: "bucket",
            region: "us-east-1"
        )
        let store = S3Store(
            options: try StorageOptions(
                endpoint: endpoint,
                region: "us-east-1",
                checksums: .whenRequired,
                encryption: .aes256
            ),
            credentials: CountingCredentials(),
            transport: transport
        )
        _ = try await store.put(Use.key, bytes: [1])
        let seen = try #require(transport.requests.first)
        #expect(seen.field("x-amz-content-sha256") == SHA256Digest(of: [1]).hex)
        #expect(seen.field("x-amz-server-side-encryption") == "AES256")
        #expect(seen.request.url == "http://127.0.0.1:9000/bucket/k")
    }

    @Test func `conditions and sources`() async throws {
        let talk = try Conversation { seen in
            seen.field("x-amz-copy-source") == nil ? .stored : Use.copy.success
        }
        let key = try ObjectKey("a b/é%")
        _ = try await talk.store.put(key, bytes: [], options: PutOptions(condition: .absent))
        _ = try await talk.store.put(
            key,
            bytes: [],
            options: PutOptions(condition: .matches(ETag("\"x\"")))
        )
        _ = try await talk.store.copy(
            from: key,
            to: key,
            sourceIfMatch: ETag("\"x\""),
            options: PutOptions(contentType: "text/plain")
        )
        #expect(talk.requests[0].field("if-none-match") == "*")
        #expect(talk.requests[1].field("if-match") == "\"x\"")
        #expect(talk.requests[2].field("x-amz-copy-source") == "/bucket/a%20b/%C3%A9%25")
        #expect(talk.requests[2].field("x-amz-copy-source-if-match") == "\"x\"")
        #expect(talk.requests[2].field("x-amz-metadata-directive") == "REPLACE")
        #expect(talk.lines.allSatisfy { $0 == "PUT a%20b/%C3%A9%25" })
    }

    @Test func `counts`() async throws {
        let talk = try Conversation { seen in
            seen.request.method == .put ? .stored : .object([1, 2, 3])
        }
        _ = try await talk.store.put(Use.key, bytes: [1, 2])
        try await Use.get.run(on: talk.store)
        let counts = talk.store.metrics.counts
        #expect(counts.requests == ["PutObject": 1, "GetObject": 1])
        #expect(counts.bytesSent == 2)
        #expect(counts.bytesReceived == 3)
        #expect(counts.retries == 0)
    }
}
