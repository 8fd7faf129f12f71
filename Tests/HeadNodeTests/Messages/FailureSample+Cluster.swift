// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import TestSupport
import Testing
import Transport

@testable import HeadNode

extension FailureSample {
    /// The cluster did not take a try.
    static let cluster: [FailureSample] = [
        submitting("cluster-unreachable", .failure(.unreachable)),
        submitting("cluster-not-trusted", .failure(.untrusted)),
        submitting(
            "cluster-in-trouble",
            .kubernetes(500, "InternalError", "etcdserver: leader changed")
        ),
        submitting("cluster-busy", .kubernetes(429, "TooManyRequests", "Too many requests")),
        submitting("cluster-knows-us-not", .kubernetes(401, "Unauthorized", "Unauthorized")),
        submitting(
            "cluster-forbids",
            .kubernetes(
                403,
                "Forbidden",
                #"jobs.batch is forbidden: User "system:serviceaccount:galaxy:galaxy" cannot create resource "jobs" in API group "batch" in the namespace "galaxy""#
            )
        ),
        submitting(
            "cluster-policy",
            .kubernetes(
                403,
                "Forbidden",
                #"pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true"#
            )
        ),
        submitting(
            "cluster-quota",
            .kubernetes(
                403,
                "Forbidden",
                #"jobs.batch "a" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=5, limited: count/jobs.batch=5"#
            )
        ),
        submitting(
            "cluster-refuses-a-field",
            .kubernetes(
                422,
                "Invalid",
                #"Job.batch "a" is invalid: spec.template.spec.priorityClassName: Invalid value: "x""#
            )
        ),
        submitting(
            "cluster-still-deletes",
            .kubernetes(
                409,
                "AlreadyExists",
                #"object is being deleted: jobs.batch "a" already exists"#
            )
        ),
        submitting("cluster-is-a-web-page", .answer(status: 302, body: Array("<html>".utf8))),
        FailureSample("cluster-token-gone") {
            let error = try await ScriptedFailure.cluster(
                .failure(.unreachable),
                login: .tokenFile("/galaxy/none/token")
            ) { try await create($0) }
            return .refused(try whileSubmitting(error))
        },
        FailureSample("cluster-address-wrong") {
            let access = ClusterAccess(server: "kubernetes", origin: "/etc/galaxy/kubeconfig")
            let error = try #require(throws: KubernetesError.self) {
                try KubernetesClient(access, namespace: "galaxy")
            }
            return .refused(HeadError(error, doing: "Cannot use the cluster"))
        },
    ]

    private static func submitting(
        _ name: String,
        _ reply: ScriptedTransport.Reply
    ) -> FailureSample {
        FailureSample(name) {
            let error = try await ScriptedFailure.cluster(reply) { try await create($0) }
            return .refused(try whileSubmitting(error))
        }
    }

    private static func create(_ client: KubernetesClient) async throws {
        let manifest = #"{"metadata":{"name":"gxy-main-42-0123456789abcdef-1"}}"#
        _ = try await client.createJob(Array(manifest.utf8))
    }

    /// As `KubernetesExecutor` hands it on.
    private static func whileSubmitting(_ error: KubernetesError) throws -> HeadError {
        HeadError(error, doing: "Cannot submit try \(try id())")
    }
}
