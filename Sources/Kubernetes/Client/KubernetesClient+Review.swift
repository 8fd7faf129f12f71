// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Transport

extension KubernetesClient {
    /// Asks whether we may do `verb` with `resource` in our namespace.
    package func reviewAccess(
        verb: String,
        _ resource: ResourceKind,
        subresource: String? = nil
    ) async throws(KubernetesError) -> AccessReview {
        let question = Question(
            spec: Question.Spec(
                resourceAttributes: Question.Attributes(
                    namespace: namespace,
                    verb: verb,
                    group: resource.group,
                    resource: resource.plural,
                    subresource: subresource
                )
            )
        )
        var request = ClusterRequest(
            ClusterCall(verb: .create, kind: .accessReviews),
            ClusterURL(path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
        )
        request.method = .post
        do { request.body = try JSONEncoder().encode(question).map { $0 } } catch {
            throw KubernetesError(.invalid, what: "The question cannot be written", cause: error)
        }
        let answer = try await send(request, as: Answer.self)
        return AccessReview(
            allowed: answer.status.allowed,
            reason: answer.status.reason ?? answer.status.evaluationError ?? ""
        )
    }

    private struct Question: Encodable {
        var apiVersion = "authorization.k8s.io/v1"
        var kind = "SelfSubjectAccessReview"
        let spec: Spec

        struct Spec: Encodable { let resourceAttributes: Attributes }

        struct Attributes: Encodable {
            let namespace: String
            let verb: String
            let group: String
            let resource: String
            let subresource: String?
        }
    }

    private struct Answer: Decodable {
        let status: Status

        struct Status: Decodable {
            let allowed: Bool
            let reason: String?
            let evaluationError: String?
        }
    }
}
