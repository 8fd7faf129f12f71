// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import Names

/// The keys that say who a pod is, where it runs, what is added to it and how long all that lasts.
extension KubernetesKeys {
    // MARK: Identity

    static let user = ConfigSchema.identity(
        "kubernetes.k8s_run_as_user_id",
        fallback: "$uid",
        word: "$uid",
        from: 0,
        doc: "The user of all containers; `$uid` is Galaxy's own, 65532 where that is root."
    )
    static let group = ConfigSchema.identity(
        "kubernetes.k8s_run_as_group_id",
        fallback: "$gid",
        word: "$gid",
        from: 0,
        doc: "The group of all containers; `$gid` is Galaxy's own, 65532 where Galaxy is root."
    )
    static let fileSystemGroup = ConfigSchema.identity(
        "kubernetes.k8s_fs_group_id",
        word: "$gid",
        from: 0,
        doc: "A group that the pod's volumes belong to; 0 is none."
    )
    static let supplementalGroup = ConfigSchema.identity(
        "kubernetes.k8s_supplemental_group_id",
        word: "$gid",
        from: 0,
        doc: "One more group of all containers; 0 is none."
    )
    static let isRootReadOnly = ConfigSchema.flag(
        "kubernetes.k8s_read_only_root_filesystem",
        fallback: false,
        doc: "Whether a tool cannot write into its image; many write beside themselves."
    )
    static let serviceAccount = ConfigSchema.optionalText(
        "kubernetes.service_account",
        absent: "the namespace's default one",
        expected: "the name of a service account",
        doc: "The pods' service account, for an identity in the cloud. Its token is never mounted."
    ) { text in try KubernetesGrammar.subdomain.value(text) }

    // MARK: Placement

    static let nodeSelector = ConfigSchema.structure(
        "kubernetes.k8s_node_selector",
        expected: "labels of nodes, each with a colon and a text",
        doc: "Labels that a node must have, besides `kubernetes.io/arch: amd64`.",
        rule: PodFields.nodeSelector,
        make: { (value) throws(BadValue) in value.texts }
    )
    static let affinity = ConfigSchema.structure(
        "kubernetes.k8s_affinity",
        expected: "nodeAffinity, podAffinity and podAntiAffinity as Kubernetes has them",
        doc: "Which nodes and neighbours pods want or avoid.",
        rule: PodFields.affinity,
        make: { (value) throws(BadValue) in value }
    )
    static let tolerations = ConfigSchema.structure(
        "kubernetes.k8s_tolerations",
        expected: "a list of tolerations, such as - {key: dedicated, operator: Exists}",
        doc: "Taints of nodes that pods put up with.",
        rule: PodFields.tolerations,
        make: { (value) throws(BadValue) in (value.list ?? []).map(Toleration.init(checked:)) }
    )
    static let priorityClass = ConfigSchema.optionalText(
        "kubernetes.k8s_pod_priority_class",
        absent: "the cluster's default",
        expected: "the name of a priority class",
        doc: "The priority class of pods."
    ) { text in try KubernetesGrammar.subdomain.value(text) }

    // MARK: Additions

    static let extraEnvironment = ConfigSchema.structure(
        "kubernetes.k8s_extra_job_envs",
        expected: "names of variables, each with a colon and a text",
        doc: "Variables of the tool's container.",
        rule: PodFields.environment,
        make: NamedText.list
    )
    static let environmentSecrets = ConfigSchema.list(
        "kubernetes.environment_secrets",
        expected: "NAME=SECRET/KEY, joined by commas",
        doc: "Variables of the tool's container whose values are in Secrets.",
        parse: SecretVariable.read
    )
    static let jobMetadata = ConfigSchema.structure(
        "kubernetes.k8s_job_metadata",
        expected: "labels and annotations, each a map",
        doc: "Labels and annotations of Jobs and pods, beside our own.",
        rule: PodFields.metadata,
        make: { (value) throws(BadValue) in
            PodMetadataSettings(
                labels: value["labels"]?.texts ?? [:],
                annotations: value["annotations"]?.texts ?? [:]
            )
        }
    )
    static let claims = ConfigSchema.list(
        "kubernetes.k8s_persistent_volume_claims",
        expected: "CLAIM:/PATH, CLAIM/FOLDER:/PATH or …:r for reading only, joined by commas",
        doc: "Volumes of the cluster that tools see besides; nothing of Galaxy's needs one.",
        parse: ClaimMount.read
    )

    // MARK: Times

    static let walltime = ConfigSchema.seconds(
        "kubernetes.k8s_walltime_limit",
        absent: "`limits.walltime`",
        in: 1...31_536_000,
        doc: "A tool is stopped after this long; wins over `limits.walltime`."
    )
    static let unschedulableLimit = ConfigSchema.seconds(
        "kubernetes.k8s_unschedulable_walltime_limit",
        fallback: "none",
        in: 1...31_536_000,
        doc: "How long a pod may wait for a node."
    )
    static let cleanup: TypedKey<KeepingSettings.Cleanup> = ConfigSchema.choice(
        "kubernetes.k8s_cleanup_job",
        fallback: .never,
        doc:
            "When the head deletes a Job whose run has ended; `never` leaves it to the times below."
    )
    static let timeToLive = ConfigSchema.seconds(
        "kubernetes.k8s_job_ttl_secs_after_finished",
        fallback: "86400",
        in: 0...31_536_000,
        doc: "How long the cluster keeps a Job that has ended, for a look at what went wrong."
    )
    static let timeToLiveAfterSuccess = ConfigSchema.seconds(
        "kubernetes.ttl_after_success",
        fallback: "3600",
        in: 0...31_536_000,
        doc: "How long the cluster keeps a Job whose results are collected."
    )

    // MARK: Tries

    static let podRetries = retries(
        "kubernetes.k8s_pod_retries",
        doc: "As `retries`, for Kubernetes."
    )
    static let maxPodRetries = retries(
        "kubernetes.max_pod_retries",
        doc: "As `kubernetes.k8s_pod_retries`, which it wins over."
    )
    static let backOffLimit = retries(
        "kubernetes.k8s_job_spec_back_off_limit",
        doc: "The smaller of this and `k8s_pod_retries` holds."
    )

    private static func retries(
        _ path: String,
        doc: String
    ) -> TypedKey<Int> {
        ConfigSchema.optionalCount(path, absent: "`retries`", in: 0...20, doc: doc)
    }

    /// In the order of the documentation.
    static let keys: [ConfigKey] = [
        configPath.key, context.key, usesServiceAccount.key, namespace.key, galaxyInstance.key,
        shape.key, workerImage.key, workerRequestsCPU.key, workerRequestsMemory.key,
        workerLimitsMemory.key, workerEnvironment.key, credentialsSecret.key, sidecars.key,
        pullPolicy.key, pullSecrets.key, mirrors.key, imagePullLimit.key, containerCreateLimit.key,
        requestsCPU.key, limitsCPU.key, requestsMemory.key, limitsMemory.key, requestsDisk.key,
        limitsDisk.key, outputAllowance.key, volumeMedium.key, cacheClaim.key,
        user.key, group.key, fileSystemGroup.key, supplementalGroup.key, isRootReadOnly.key,
        serviceAccount.key,
        nodeSelector.key, affinity.key, tolerations.key, priorityClass.key,
        extraEnvironment.key, environmentSecrets.key, jobMetadata.key, claims.key,
        walltime.key, unschedulableLimit.key, cleanup.key, timeToLive.key,
        timeToLiveAfterSuccess.key,
        podRetries.key, maxPodRetries.key, backOffLimit.key,
    ]
}
