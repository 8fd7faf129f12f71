// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Kubernetes

/// Whether the cluster can be reached, and whether we may do in it what jobs need. It changes nothing
/// there.
struct ClusterExamination: Sendable {
    let settings: KubernetesSettings

    /// One right of config/kubernetes/role.yaml, and what is lost without it.
    struct Right: Sendable {
        let verb: String
        let resource: ResourceKind
        var subresource: String?
        /// What does not work without it.
        let loss: String
        /// Whether jobs run all the same.
        var isOptional = false

        var text: String {
            "\(verb) \(resource.plural)\(subresource.map { "/\($0)" } ?? "")"
        }
    }

    static let rights: [Right] = [
        Right(verb: "create", resource: .jobs, loss: "no job can be submitted"),
        Right(verb: "get", resource: .jobs, loss: "a job cannot be taken up again"),
        Right(verb: "list", resource: .jobs, loss: "no job can be followed"),
        Right(verb: "watch", resource: .jobs, loss: "no job can be followed"),
        Right(verb: "delete", resource: .jobs, loss: "no job can be cancelled"),
        Right(
            verb: "patch",
            resource: .jobs,
            loss: "finished Jobs are all kept for as long as failed ones",
            isOptional: true
        ),
        Right(verb: "get", resource: .pods, loss: "why a job failed is not learned"),
        Right(verb: "list", resource: .pods, loss: "no job can be followed"),
        Right(verb: "watch", resource: .pods, loss: "no job can be followed"),
        Right(
            verb: "get",
            resource: .pods,
            subresource: "log",
            loss: "there is no live output, and results are noticed later",
            isOptional: true
        ),
        Right(
            verb: "list",
            resource: .events,
            loss: "why a pod does not start is not learned",
            isOptional: true
        ),
    ]

    /// The oldest server that these manifests and watches have been tried on.
    private static let oldest = ServerVersion(1, 20)
    /// From here on a server removes finished Jobs by itself without being told to in its own
    /// configuration.
    private static let timeToLive = ServerVersion(1, 21)

    func run(_ report: @Sendable (DoctorFinding) -> Void) async {
        do throws(KubernetesError) {
            let access = try settings.access.found()
            let client = try KubernetesClient(
                access,
                namespace: settings.access.namespace,
                retry: .once
            )
            let version = try await client.serverVersion()
            report(.ok("cluster", "\(version) at \(access.server), from \(access.origin)"))
            for finding in Self.judge(version) { report(finding) }
            try await reviewRights(client, report)
        } catch {
            report(.fail("cluster", error))
        }
        report(image())
    }

    /// What follows from the server's version.
    static func judge(_ version: ServerVersion) -> [DoctorFinding] {
        if version < oldest {
            return [
                .warn(
                    "cluster version",
                    "\(version) is older than any that was tried (\(oldest))",
                    "Upgrade the cluster."
                )
            ]
        }
        if version < timeToLive {
            return [
                .warn(
                    "cluster version",
                    "\(version) removes finished Jobs by itself only with its feature gate "
                        + "TTLAfterFinished; without it the head does so at once"
                )
            ]
        }
        return []
    }

    private func reviewRights(
        _ client: KubernetesClient,
        _ report: @Sendable (DoctorFinding) -> Void
    ) async throws(KubernetesError) {
        var missing: [Right] = []
        for right in Self.rights {
            let review = try await client.reviewAccess(
                verb: right.verb,
                right.resource,
                subresource: right.subresource
            )
            if !review.allowed { missing.append(right) }
        }
        for right in missing {
            let what = "may not \(right.text) in namespace \(client.namespace): \(right.loss)"
            let remedy = "Apply config/kubernetes/role.yaml there."
            report(
                right.isOptional
                    ? .warn("cluster rights", what, remedy) : .fail("cluster rights", what, remedy)
            )
        }
        if missing.isEmpty {
            report(
                .ok("cluster rights", "all \(Self.rights.count) in namespace \(client.namespace)")
            )
        }
    }

    private func image() -> DoctorFinding {
        guard let image = settings.images.worker else {
            return .fail("worker image", "none is configured", "Set kubernetes.worker_image.")
        }
        guard image.isPinned else {
            return .warn(
                "worker image",
                "\(image) can become another image: it names no digest",
                "Name it by its digest (…@sha256:…), as Scripts/image prints it."
            )
        }
        return .ok("worker image", "\(image)")
    }
}
