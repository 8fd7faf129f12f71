// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Kubernetes

/// The Kubernetes Job of one try, made of settings and what is known of the job. A pure value: the
/// same input gives the same bytes.
struct JobPlan: Sendable {
    let name: JobName
    let job: JobManifest
    let disk: DiskDemand
    /// The Job as the API server takes it: JSON with sorted keys.
    let manifest: [UInt8]

    /// How long what precedes and follows the tool may take before the net closes, in seconds.
    private static let slack: Int64 = 3600
    /// A transfer slower than this would be held up by the net, in bytes a second.
    private static let slowest: Int64 = 10 << 20
    /// How long the worker is left to say that it was stopped, in seconds.
    private static let farewell: Int64 = 10
    /// How long a node may be out of reach before the pod is taken for lost, in seconds.
    private static let lostNode: Int64 = 60

    /// - Parameters:
    ///   - subject: what the Job says of Galaxy's job.
    ///   - user: who Galaxy is on the head node.
    /// - Throws: `.description` when Kubernetes cannot run this job, saying why.
    init(
        order: TryOrder,
        subject: JobSubject,
        settings: KubernetesSettings,
        user: PodUser
    ) throws(HeadError) {
        name = settings.jobName(of: order.id, instance: order.spec.layout.instance)
        disk = try Self.disk(order.spec, settings)
        let pod = try PodPlan(
            order,
            image: Self.image(subject),
            disk: disk,
            settings: settings
        )
        let labels = JobLabels(
            order,
            nameInstance: settings.galaxyInstance ?? order.spec.layout.instance,
            job: subject,
            metadata: settings.metadata
        )
        job = JobManifest(
            metadata: labels.metadata(name: name.description),
            spec: JobManifest.Spec(
                ttlSecondsAfterFinished: settings.keeping.afterEnd,
                template: PodTemplate(
                    metadata: Self.podMetadata(labels, settings),
                    spec: Self.spec(order.spec, pod, settings, user)
                )
            )
        )
        do {
            manifest = try job.encoded()
        } catch {
            throw HeadError(.machine, what: "Cannot write the Job \(name)", cause: error)
        }
    }

    private static func image(_ subject: JobSubject) throws(HeadError) -> ImageReference {
        guard let image = subject.image else {
            throw HeadError(
                .description,
                what: "The job of tool \(subject.toolID.logSafe) names no container image",
                remedy: "Give the tool a container, or the destination a "
                    + "docker_default_container_id."
            )
        }
        do throws(BadValue) {
            return try ImageReference(image)
        } catch {
            throw HeadError(
                .description,
                what: "The job of tool \(subject.toolID.logSafe) cannot run: \(error.why)",
                remedy: error.remedy
            )
        }
    }

    private static func disk(
        _ spec: RunSpec,
        _ settings: KubernetesSettings
    ) throws(HeadError) -> DiskDemand {
        let disk = DiskDemand(
            spec,
            allowance: settings.volume.outputAllowance,
            ownRequest: settings.tool.resources.requests.ephemeralStorage,
            ownLimit: settings.tool.resources.limits.ephemeralStorage
        )
        guard disk.isPossible else {
            throw HeadError(
                .description,
                what: "The job's files do not fit into its pod: \(disk)",
                remedy: "Raise kubernetes.limits_ephemeral_storage, or leave it out."
            )
        }
        return disk
    }

    /// On EKS the pod's role is not given to the containers of others.
    private static func podMetadata(
        _ labels: JobLabels,
        _ settings: KubernetesSettings
    ) -> Metadata {
        var metadata = labels.metadata(name: nil)
        let others = PodPlan.withoutIdentity(settings)
        if settings.identity.serviceAccount != nil, !others.isEmpty {
            metadata.annotations["eks.amazonaws.com/skip-containers"] =
                others.joined(separator: ",")
        }
        return metadata
    }

    private static func spec(
        _ run: RunSpec,
        _ plan: PodPlan,
        _ settings: KubernetesSettings,
        _ user: PodUser
    ) -> PodManifest {
        var pod = PodManifest(
            initContainers: plan.initContainers,
            containers: plan.containers,
            volumes: plan.volumes,
            securityContext: settings.identity.securityContext(user),
            tolerations: tolerations(settings.placement.tolerations),
            terminationGracePeriodSeconds: run.limits.graceSeconds + farewell
        )
        pod.activeDeadlineSeconds = deadline(run)
        pod.affinity = settings.placement.affinity
        pod.priorityClassName = settings.placement.priorityClass
        pod.nodeSelector = ["kubernetes.io/arch": "amd64"]
            .merging(settings.placement.nodeSelector) { $1 }
        pod.serviceAccountName = settings.identity.serviceAccount
        if !settings.images.pullSecrets.isEmpty {
            pod.imagePullSecrets = settings.images.pullSecrets.map(NamedObject.init)
        }
        return pod
    }

    /// A net below the worker's own limits, for a pod that does not heed them. It hangs on the pod,
    /// whose clock starts when a node has taken it; the Job's would count the wait for a node too.
    private static func deadline(_ run: RunSpec) -> Int64? {
        guard let walltime = run.limits.walltimeSeconds else { return nil }
        let staged = DiskDemand(run, allowance: 0).staged
        return walltime + run.limits.graceSeconds + run.limits.pushSeconds + slack
            + staged / slowest
    }

    /// The administrator's, and a short patience with lost nodes unless they say another: the
    /// server's own is five minutes.
    private static func tolerations(_ own: [Toleration]) -> [Toleration] {
        let lost = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
        return own
            + lost.filter { key in !own.contains { $0.isAboutLeaving(key) } }
            .map { key in
                Toleration(
                    key: key,
                    operator: "Exists",
                    effect: "NoExecute",
                    tolerationSeconds: lostNode
                )
            }
    }
}

extension Toleration {
    /// Whether this says when a pod leaves a node that has the taint `taint`.
    fileprivate func isAboutLeaving(_ taint: String) -> Bool {
        (key == nil || key == taint) && (effect == nil || effect == "NoExecute")
    }
}

extension IdentitySettings {
    fileprivate func securityContext(_ galaxys: PodUser) -> PodSecurityContext {
        func number(_ number: Number, _ own: Int64) -> Int64 {
            if case .fixed(let fixed) = number { fixed } else { own }
        }
        return PodSecurityContext(
            user: number(user, galaxys.user),
            group: number(group, galaxys.group),
            fsGroup: fileSystemGroup.map { number($0, galaxys.group) },
            supplementalGroup: supplementalGroup.map { number($0, galaxys.group) }
        )
    }
}
