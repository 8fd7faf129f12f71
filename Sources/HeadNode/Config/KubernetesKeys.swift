// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Names

/// The keys of the section `kubernetes`. Those that Galaxy's own runner has too have its names;
/// docs/kubernetes.md says where they differ.
enum KubernetesKeys {
    // MARK: The cluster

    static let configPath = ConfigSchema.path(
        "kubernetes.k8s_config_path",
        absent: "`KUBECONFIG`, else `~/.kube/config`",
        doc: "The kubeconfig that says where the cluster is and who we are there."
    )
    static let context = ConfigSchema.plain(
        "kubernetes.context",
        absent: "the kubeconfig's current one",
        expected: "the name of a context",
        doc: "The context of the kubeconfig."
    )
    static let usesServiceAccount = ConfigSchema.flag(
        "kubernetes.k8s_use_service_account",
        fallback: false,
        doc: "Whether to speak as the service account of the pod that the head runs in."
    )
    static let namespace = ConfigSchema.text(
        "kubernetes.k8s_namespace",
        fallback: "default",
        expected: KubernetesGrammar.label.expected,
        doc: "The namespace of all Jobs and pods."
    ) { text in try KubernetesGrammar.label.value(text) }
    static let galaxyInstance = ConfigSchema.optionalText(
        "kubernetes.k8s_galaxy_instance_id",
        absent: "`instance`",
        expected: "1 to 20 lower-case letters, digits and hyphens, no hyphen at either end",
        doc: "The name of this Galaxy in the names of Jobs."
    ) { text in text.utf8.count <= 20 ? try InstanceName(text) : nil }

    // MARK: The pod's containers

    static let shape: TypedKey<PodShape> = ConfigSchema.choice(
        "kubernetes.shape",
        fallback: .split,
        doc: "`split`: the tool's container has no credential. `single`: one container does all."
    )
    static let workerImage = ConfigSchema.parsed(
        "kubernetes.worker_image",
        absent: "required for `executor: kubernetes`",
        expected: "an image whose entry point is galaxy-worker-exec, pinned by @sha256:",
        doc: "The worker's image. Pin it by its digest."
    ) { (text) throws(BadValue) in try ImageReference(text) }
    static let workerRequestsCPU = ConfigSchema.amount(
        "kubernetes.worker_requests_cpu",
        fallback: "100m",
        .cpu,
        doc: "CPU that each container of the worker's own asks for."
    )
    static let workerRequestsMemory = ConfigSchema.amount(
        "kubernetes.worker_requests_memory",
        fallback: "64Mi",
        .memory,
        doc: "Memory that each container of the worker's own asks for."
    )
    static let workerLimitsMemory = ConfigSchema.amount(
        "kubernetes.worker_limits_memory",
        fallback: "256Mi",
        .memory,
        doc: "Memory that each container of the worker's own may take."
    )
    static let workerEnvironment = ConfigSchema.structure(
        "kubernetes.worker_environment",
        expected: "names of variables, each with a colon and a text",
        doc: "Variables of the worker's own containers, for proxies. No secrets.",
        rule: PodFields.environment,
        make: NamedText.list
    )
    static let credentialsSecret = ConfigSchema.optionalText(
        "kubernetes.credentials_secret",
        absent: "the identity of `kubernetes.service_account`",
        expected: "the name of a Secret that holds an AWS credentials file in its key credentials",
        doc: "The Secret with the worker's credentials in its key `credentials`."
    ) { text in try KubernetesGrammar.subdomain.value(text) }
    static let sidecars = ConfigSchema.structure(
        "kubernetes.sidecars",
        expected: "a list of containers, such as - {name: db, image: …}",
        doc: "Containers beside the tool's. They share its network and /tmp.",
        rule: SidecarFields.rule,
        make: SidecarFields.sidecars
    )

    // MARK: Images

    static let pullPolicy: TypedKey<ImageSettings.PullPolicy> = ConfigSchema.choice(
        "kubernetes.k8s_pull_policy",
        fallback: .standard,
        doc: "When nodes pull images; `Default` leaves it to the cluster."
    )
    static let pullSecrets = ConfigSchema.list(
        "kubernetes.image_pull_secrets",
        expected: "names of Secrets, joined by commas",
        doc: "Secrets with the credentials of registries."
    ) { (text) throws(BadValue) in try KubernetesGrammar.subdomain.value(text) }
    static let mirrors = ConfigSchema.list(
        "kubernetes.registry_mirrors",
        expected: "REGISTRY=MIRROR, joined by commas, such as quay.io=mirror.example.org/quay",
        doc: "Where images are pulled from instead; the longest name that fits wins.",
        parse: RegistryMirrors.Rule.read
    )
    static let imagePullLimit = ConfigSchema.duration(
        "kubernetes.image_pull_limit",
        fallback: "10m",
        in: 10...86_400,
        doc: "How long an image may fail to come before the try is given up."
    )
    static let containerCreateLimit = ConfigSchema.duration(
        "kubernetes.container_create_limit",
        fallback: "5m",
        in: 10...86_400,
        doc: "How long a container may fail to be made, for want of a Secret for instance."
    )

    // MARK: Resources

    static let requestsCPU = ConfigSchema.amount(
        "kubernetes.requests_cpu",
        .cpu,
        doc: "CPU that the tool asks for; `GALAXY_SLOTS` is this, rounded up."
    )
    static let limitsCPU = ConfigSchema.amount(
        "kubernetes.limits_cpu",
        .cpu,
        doc: "CPU that the tool may take."
    )
    static let requestsMemory = ConfigSchema.amount(
        "kubernetes.requests_memory",
        .memory,
        doc: "Memory that the tool asks for; `GALAXY_MEMORY_MB` follows from it."
    )
    static let limitsMemory = ConfigSchema.amount(
        "kubernetes.limits_memory",
        .memory,
        doc: "Memory that the tool may take before it is killed."
    )
    static let requestsDisk = ConfigSchema.amount(
        "kubernetes.requests_ephemeral_storage",
        .disk,
        doc: "Disk of the node that the pod asks for."
    )
    static let limitsDisk = ConfigSchema.amount(
        "kubernetes.limits_ephemeral_storage",
        .disk,
        doc: "Disk of the node that the pod may use before it is evicted."
    )
    static let outputAllowance = ConfigSchema.size(
        "kubernetes.output_allowance",
        fallback: "10Gi",
        in: 0...(1 << 50),
        doc: "What a tool may write, on top of what is staged for it."
    )
    static let volumeMedium: TypedKey<VolumeSettings.Medium> = ConfigSchema.choice(
        "kubernetes.volume_medium",
        fallback: .disk,
        doc: "Where the job's files are: on the node's disk, or in memory, which is then added to "
            + "what the tool asks for."
    )
    static let cacheClaim = TypedKey(
        key: ConfigKey(
            path: "kubernetes.cache_claim",
            kind: .text,
            expected: "none, or the name of a claim",
            fallback: "none",
            absent: "",
            doc:
                "A claim to keep what many jobs read, in place of `cache.path`, where pods may not "
                + "have directories of their node."
        ),
        parse: { (text) throws(BadValue) -> String? in
            if text == "none" { return nil }
            guard let name = try? KubernetesGrammar.subdomain.value(text) else {
                throw BadValue(
                    why: "\"\(ConfigValues.shown(text))\" is not allowed",
                    remedy: "Write none, or the name of a claim."
                )
            }
            return name
        }
    )
}
