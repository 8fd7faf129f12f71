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
            if try await reviewRights(client, report) { report(await rehearse(client)) }
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

    /// - Returns: whether Jobs may be made.
    private func reviewRights(
        _ client: KubernetesClient,
        _ report: @Sendable (DoctorFinding) -> Void
    ) async throws(KubernetesError) -> Bool {
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
        return !missing.contains { $0.verb == "create" }
    }

    /// Whether the server would take a Job: rights say nothing of a namespace that does not exist, nor of
    /// policies and quotas. Nothing is kept.
    private func rehearse(_ client: KubernetesClient) async -> DoctorFinding {
        let context = SecurityContext(isRootReadOnly: true)
        let image = settings.images.worker.map { "\($0)" } ?? "none"
        let template = PodTemplate(
            metadata: Metadata(name: nil, labels: [:], annotations: [:]),
            spec: PodManifest(
                initContainers: [],
                containers: [Container(name: "doctor", image: image, securityContext: context)],
                volumes: [],
                securityContext: PodSecurityContext(
                    user: PodUser.galaxys.user,
                    group: PodUser.galaxys.group,
                    fsGroup: nil,
                    supplementalGroup: nil
                ),
                tolerations: [],
                terminationGracePeriodSeconds: 0
            )
        )
        let job = JobManifest(
            metadata: Metadata(
                name: "galaxy-s3-executor-doctor",
                labels: ["app.kubernetes.io/managed-by": JobLabels.manager],
                annotations: [:]
            ),
            spec: JobManifest.Spec(ttlSecondsAfterFinished: 60, template: template)
        )
        guard let manifest = try? job.encoded() else {
            return .fail("cluster jobs", "a Job cannot be written", "")
        }
        do throws(KubernetesError) {
            try await client.rehearseJob(manifest)
            return .ok("cluster jobs", "namespace \(client.namespace) would take one")
        } catch {
            // Room comes back when others have ended.
            guard error.code == .quota else { return .fail("cluster jobs", error) }
            return .warn("cluster jobs", error.headline, error.firstRemedy)
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
