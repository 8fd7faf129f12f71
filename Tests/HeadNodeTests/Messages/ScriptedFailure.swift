// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import S3Client
import TestSupport
import Testing
import Transport

@testable import HeadNode
@testable import Kubernetes

/// Stores and clusters that answer once, and not as wished.
enum ScriptedFailure {
    static let secret = "a-secret-that-must-not-show"
    private static let once = RetryPolicy(
        attempts: 1,
        time: .seconds(60),
        whenBudgetIsEmpty: .fail
    )

    /// What the store's client says of an answer.
    static func store(
        _ reply: ScriptedTransport.Reply,
        credentials: (any CredentialsProvider)? = nil,
        _ body: (S3Store) async throws -> Void
    ) async throws -> S3Error {
        let keys = Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretKey: Redacted(secret)
        )
        let store = S3Store(
            options: try StorageOptions(
                endpoint: S3Endpoint(
                    url: "https://s3.example.org",
                    bucket: "galaxy-data",
                    region: "us-east-1"
                ),
                region: "us-east-1"
            ),
            credentials: credentials ?? FixedCredentials(keys),
            transport: ScriptedTransport([reply]),
            policy: once,
            budget: RetryBudget(),
            clock: VirtualClock().storeClock
        )
        do {
            try await body(store)
        } catch let error as S3Error {
            return error
        }
        throw ChildProcess.Failure(description: "the store did it")
    }

    /// What the cluster's client says of an answer.
    static func cluster(
        _ reply: ScriptedTransport.Reply,
        login: ClusterLogin = .token(Redacted(secret)),
        _ body: (KubernetesClient) async throws -> Void
    ) async throws -> KubernetesError {
        let transport = ScriptedTransport([reply])
        let clock = VirtualClock()
        let client = try KubernetesClient(
            ClusterAccess(
                server: "https://kubernetes.example.org:6443",
                login: login,
                origin: "/etc/galaxy/kubeconfig"
            ),
            namespace: "galaxy",
            retry: .once,
            clock: ClusterClock(
                now: { clock.now },
                elapsed: { clock.elapsed },
                sleep: { try clock.sleep($0) }
            ),
            make: { _ in ClusterLink.Transports(calls: transport, streams: transport) }
        )
        do {
            try await body(client)
        } catch let error as KubernetesError {
            return error
        }
        throw ChildProcess.Failure(description: "the cluster did it")
    }
}

extension ScriptedTransport.Reply {
    /// An error as S3 stores send it.
    static func s3(
        _ status: Int,
        _ code: String,
        fields: [HTTPField] = [],
        extra: String = ""
    ) -> Self {
        let text =
            "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>Words of the store's"
            + "</Message><RequestId>4F2A</RequestId>\(extra)</Error>"
        return .answer(status: status, fields: fields, body: Array(text.utf8))
    }

    /// A Status as API servers send it.
    static func kubernetes(_ status: Int, _ reason: String, _ message: String) -> Self {
        let text = message.replacing("\"", with: "\\\"")
        return .answer(
            status: status,
            body: Array(
                (#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","#
                    + #""message":"\#(text)","reason":"\#(reason)","details":{},"code":\#(status)}"#)
                    .utf8
            )
        )
    }
}
