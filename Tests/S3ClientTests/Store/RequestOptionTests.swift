// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import TestSupport
import Testing
import Transport

@testable import S3Client

/// Encryption, storage class and who pays: which requests say so.
@Suite struct RequestOptionTests {
    private static let encryption = "x-amz-server-side-encryption"
    private static let keyID = "x-amz-server-side-encryption-aws-kms-key-id"
    private static let storageClass = "x-amz-storage-class"
    private static let payer = "x-amz-request-payer"

    /// The requests that make an object.
    private static let making: Set<Use> = [.put, .copy, .create]

    private func options(
        at endpoint: String = "https://s3.example.org",
        bucket: String = "bucket",
        encryption: StorageOptions.Encryption? = nil,
        storageClass: StorageOptions.StorageClass? = nil,
        requesterPays: Bool = false
    ) throws -> StorageOptions {
        try StorageOptions(
            endpoint: S3Endpoint(url: endpoint, bucket: bucket, region: "us-east-1"),
            region: "us-east-1",
            encryption: encryption,
            storageClass: storageClass,
            requesterPays: requesterPays
        )
    }

    private func sent(_ use: Use, _ options: StorageOptions) async throws -> ScriptedTransport.Seen
    {
        let transport = ScriptedTransport([use.success])
        let store = S3Store(
            options: options,
            credentials: CountingCredentials(),
            transport: transport
        )
        try await use.run(on: store)
        return try #require(transport.requests.first)
    }

    @Test(arguments: Use.allCases)
    func `nothing is said that nobody asked for`(use: Use) async throws {
        let seen = try await sent(use, options())
        for name in [Self.encryption, Self.keyID, Self.storageClass, Self.payer] {
            #expect(seen.field(name) == nil)
        }
    }

    @Test(arguments: Use.allCases)
    func `encryption and class go with what makes an object`(use: Use) async throws {
        let makes = Self.making.contains(use)
        let seen = try await sent(
            use,
            options(encryption: .kms(keyID: "alias/galaxy"), storageClass: .standardInfrequent)
        )
        #expect(seen.field(Self.encryption) == (makes ? "aws:kms" : nil))
        #expect(seen.field(Self.keyID) == (makes ? "alias/galaxy" : nil))
        #expect(seen.field(Self.storageClass) == (makes ? "STANDARD_IA" : nil))
        let own = try await sent(use, options(encryption: .kms(keyID: nil)))
        #expect(own.field(Self.encryption) == (makes ? "aws:kms" : nil))
        #expect(own.field(Self.keyID) == nil)
        let store = try await sent(use, options(encryption: .aes256))
        #expect(store.field(Self.encryption) == (makes ? "AES256" : nil))
    }

    @Test(arguments: Use.allCases)
    func `who pays is said with every request, and signed`(use: Use) async throws {
        let seen = try await sent(use, options(requesterPays: true))
        #expect(seen.field(Self.payer) == "requester")
        #expect(seen.field("authorization")?.contains(";\(Self.payer)") == true)
    }

    @Test func `a put that is looked up pays for that too`() async throws {
        let transport = ScriptedTransport([.failure(.interrupted), .error(404, ""), .stored])
        let store = S3Store(
            options: try options(requesterPays: true),
            credentials: CountingCredentials(),
            transport: transport,
            budget: RetryBudget(),
            clock: VirtualClock().storeClock
        )
        try await Use.put.run(on: store)
        #expect(transport.requests.map(\.request.method) == [.put, .head, .put])
        #expect(transport.requests.allSatisfy { $0.field(Self.payer) == "requester" })
    }

    @Test func `a denial may be the key service's`() async throws {
        for use in Use.allCases {
            let transport = ScriptedTransport([.error(403, "AccessDenied")])
            let store = S3Store(
                options: try options(encryption: .kms(keyID: nil)),
                credentials: CountingCredentials(),
                transport: transport
            )
            do throws(S3Error) {
                try await use.run(on: store)
                Issue.record("no error")
            } catch {
                let bytesAreUntouched: Set<Use> = [.head, .list, .delete, .deleteMany, .abort]
                #expect(
                    error.remedy.contains("kms:GenerateDataKey") != bytesAreUntouched.contains(use)
                )
            }
        }
    }

    @Test(arguments: [
        ("AES256", nil, StorageOptions.Encryption.aes256),
        ("aws:kms", nil, .kms(keyID: nil)), ("aws:kms", "k", .kms(keyID: "k")),
        ("AES256", "k", nil), ("none", "k", nil), ("aws:kms", "", nil), ("aws:kms", "a b", nil),
        ("aws:kms", "a\r\nx: y", nil), ("aws:kms", "\u{E9}", nil), ("", nil, nil),
        ("aes256", nil, nil), ("aws:kms:dsse", nil, nil),
    ])
    func `names of encryptions`(
        name: String,
        key: String?,
        wanted: StorageOptions.Encryption?
    ) throws {
        guard let wanted else {
            let error = #expect(throws: S3Error.self) {
                try StorageOptions.Encryption(named: name, kmsKeyID: key)
            }
            #expect(error?.code == .configuration)
            return
        }
        #expect(try StorageOptions.Encryption(named: name, kmsKeyID: key) == wanted)
    }

    // MARK: on servers

    /// What a server keeps of an object that was put, copied, and uploaded in parts.
    private func kept(
        on kind: TestServer.Kind,
        _ change: (TestServer) throws -> StorageOptions
    ) async throws -> [HTTPResponseHead] {
        let server = try await TestServer.running(kind)
        let store = S3Store(
            options: try change(server),
            credentials: FixedCredentials(server.credentials),
            transport: try CurlTransport(),
            budget: RetryBudget()
        )
        let folder = "options/\(Hex.encode(SecureRandom.bytes(8)))/"
        let names = try ["put", "copied", "parts"].map { try ObjectKey(folder + $0) }
        let bytes = patterned(70_000)
        _ = try await store.put(names[0], bytes: bytes)
        _ = try await store.copy(
            from: names[0],
            to: names[1],
            sourceIfMatch: nil,
            options: PutOptions()
        )
        let upload = try await store.createMultipart(names[2], options: PutOptions())
        let part = try await store.uploadPart(
            names[2],
            upload: upload,
            number: 1,
            body: .bytes(bytes),
            checksum: CRC64NVME(of: bytes)
        )
        _ = try await store.completeMultipart(
            names[2],
            upload: upload,
            parts: [part],
            checksum: CRC64NVME(of: bytes),
            condition: nil
        )
        var heads: [HTTPResponseHead] = []
        for key in names {
            let (found, _) = try await store.required(key)
            #expect(found == bytes)
            let call = S3Call(operation: .headObject, bucket: server.bucket, key: key.bytes)
            heads.append(try await store.send(S3Request(call, .head, key)))
        }
        try await store.delete(names)
        return heads
    }

    @Test(.enabled { !TestServer.isOff })
    func `moto keeps encryption and class`() async throws {
        let heads = try await kept(on: .moto) { server in
            try options(
                at: server.endpoint,
                bucket: server.bucket,
                encryption: .kms(keyID: "alias/galaxy"),
                storageClass: .standardInfrequent,
                requesterPays: true
            )
        }
        for head in heads {
            #expect(head[Self.encryption] == "aws:kms")
            #expect(head[Self.keyID]?.contains("alias/galaxy") == true)
            #expect(head[Self.storageClass] == "STANDARD_IA")
        }
    }

    @Test(.enabled { !TestServer.isOff })
    func `SeaweedFS takes class and payer, and signs for them`() async throws {
        let heads = try await kept(on: .seaweed) { server in
            try options(
                at: server.endpoint,
                bucket: server.bucket,
                storageClass: .standardInfrequent,
                requesterPays: true
            )
        }
        #expect(heads.count == 3)
    }
}
