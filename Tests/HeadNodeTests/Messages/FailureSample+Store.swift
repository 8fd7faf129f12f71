// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import S3Client
import Staging
import TestSupport
import Testing
import Transport

@testable import HeadNode

extension FailureSample {
    /// The bucket did not do its part while a job was being staged.
    static let store: [FailureSample] = [
        stagingFails("store-denies", .s3(403, "AccessDenied")),
        stagingFails("store-secret-wrong", .s3(403, "SignatureDoesNotMatch")),
        stagingFails("store-key-unknown", .s3(403, "InvalidAccessKeyId")),
        stagingFails("store-token-expired", .s3(400, "ExpiredToken")),
        stagingFails("store-no-bucket", .s3(404, "NoSuchBucket")),
        stagingFails("store-in-trouble", .s3(503, "SlowDown")),
        stagingFails("store-elsewhere", .s3(301, "PermanentRedirect")),
        stagingFails("store-refuses", .s3(400, "EntityTooLarge")),
        stagingFails(
            "store-clock",
            .s3(
                403,
                "RequestTimeTooSkewed",
                fields: [HTTPField("date", "Wed, 15 Nov 2023 22:13:20 GMT")]
            )
        ),
        stagingFails(
            "store-is-a-web-page",
            .answer(status: 404, body: Array("<html>\nNot found</html>".utf8))
        ),
        stagingFails("store-host-unknown", .failure(.unresolved)),
        stagingFails("store-unreachable", .failure(.unreachable)),
        stagingFails("store-connection-broke", .failure(.interrupted)),
        stagingFails("store-not-trusted", .failure(.untrusted)),
        stagingFails("store-speaks-no-tls", .failure(.noTLS)),
        stagingFails("store-proxy-refuses", .failure(.proxy)),
        FailureSample("store-no-credentials") {
            let none = CredentialsChain([
                NoCredentials(why: "AWS_ACCESS_KEY_ID is not set"),
                NoCredentials(why: "/home/galaxy/.aws/credentials is not there"),
            ])
            let error = try await ScriptedFailure.store(
                .s3(403, "AccessDenied"),
                credentials: none
            ) { store in _ = try await store.put(key(), bytes: [1]) }
            return .refused(try whileStaging(error))
        },
        FailureSample("store-endpoint-wrong") {
            let error = try #require(throws: S3Error.self) {
                try S3Endpoint(
                    url: "http://s3.example.org",
                    bucket: "galaxy-data",
                    region: "us-east-1"
                )
            }
            return .refused(HeadError(error, doing: "Cannot use the bucket"))
        },
        FailureSample("store-ignores-conditions") {
            .refused(
                .unconditional(
                    "Two writers of one object were both told that they alone had made it",
                    "https://s3.example.org/galaxy-data/\(try key())"
                )
            )
        },
        FailureSample("store-object-gone") {
            let error = try await ScriptedFailure.store(.s3(404, "NoSuchKey")) { store in
                _ = try await store.copy(
                    from: key(),
                    to: key(),
                    sourceIfMatch: nil,
                    options: PutOptions()
                )
            }
            let lost = StagingError.store("collect /galaxy/data/dataset_7.dat", error)
            return .refused(HeadError(lost, doing: "Cannot collect run \(try run())"))
        },
        FailureSample("store-object-damaged") {
            let body = Array("other bytes".utf8)
            let reply = ScriptedTransport.Reply.answer(
                status: 200,
                fields: [
                    HTTPField("content-length", "\(body.count)"), HTTPField("etag", "\"e\""),
                ],
                body: body
            )
            let error = try await ScriptedFailure.store(reply) { store in
                _ = try await store.get(
                    key(),
                    range: nil,
                    ifMatch: nil,
                    expecting: CRC64NVME(value: 1),
                    to: MemorySink(limit: 100)
                )
            }
            let damaged = StagingError.store("collect /galaxy/data/dataset_7.dat", error)
            return .refused(HeadError(damaged, doing: "Cannot collect run \(try run())"))
        },
    ]

    private static func stagingFails(
        _ name: String,
        _ reply: ScriptedTransport.Reply
    ) -> FailureSample {
        FailureSample(name) {
            let error = try await ScriptedFailure.store(reply) { store in
                _ = try await store.put(key(), bytes: [1])
            }
            return .refused(try whileStaging(error))
        }
    }

    /// As `StageStep` hands it on.
    private static func whileStaging(_ error: S3Error) throws -> HeadError {
        HeadError(
            StagingError.store("upload /galaxy/data/dataset_7.dat", error),
            doing: "Cannot stage job 42"
        )
    }
}

/// A place where no credentials are.
private struct NoCredentials: CredentialsProvider {
    let why: String

    func find() async throws(S3Error) -> CredentialsFinding { .absent(why) }
}
