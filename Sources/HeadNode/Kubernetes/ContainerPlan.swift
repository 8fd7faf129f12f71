// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Names

/// Each container that a try's pod can have. A pure value.
struct ContainerPlan: Sendable {
    static let toolName = "tool"
    static let credentialsVolume = "credentials"
    static let cacheVolume = "cache"
    static let podUID = "POD_UID"
    /// The names that a sidecar may not have.
    static let ownNames = ["fetch", "install", "push", "run", toolName]

    let settings: KubernetesSettings
    let layout: VolumeLayout
    let disk: DiskDemand
    let invocation: WorkerInvocation
    let workerImage: String
    let toolImage: String

    /// One of ours: it sees the whole volume, and may write nowhere else.
    func worker(_ verb: WorkerInvocation.Verb) throws(HeadError) -> Container {
        var container = plain(verb.rawValue, workerImage, isRootReadOnly: true)
        // The image's entry point is the worker.
        container.args = Array(try words(invocation.command(verb)).dropFirst())
        container.env = workerEnvironment
        container.volumeMounts = [layout.whole] + credentialMounts
        if verb == .fetch, settings.cache != nil {
            container.volumeMounts?.append(VolumeMount(Self.cacheVolume, at: VolumeLayout.cache))
        }
        container.resources = workerResources(fillsVolume: verb == .fetch)
        return container
    }

    /// The one that makes the volume's folders and puts the program there.
    func install(roots: Int) throws(HeadError) -> Container {
        var container = plain("install", workerImage, isRootReadOnly: true)
        let command = invocation.install(
            into: ByteString(VolumeLayout.folder),
            roots: roots
        )
        container.args = Array(try words(command).dropFirst())
        container.volumeMounts = [layout.whole]
        container.resources = workerResources(fillsVolume: false)
        return container
    }

    /// The tool's, which begins with our program, whatever the image is.
    func tool(_ verb: WorkerInvocation.Verb) throws(HeadError) -> Container {
        let isAll = verb == .run
        var container = plain(
            Self.toolName,
            toolImage,
            isRootReadOnly: settings.tool.isRootReadOnly
        )
        let command = try words(invocation.command(verb))
        container.command = Array(command.prefix(1))
        container.args = Array(command.dropFirst())
        container.env = Self.lastOfEach((isAll ? workerEnvironment : []) + toolEnvironment)
        container.volumeMounts = layout.toolMounts(runsEverything: isAll)
        if isAll { container.volumeMounts? += credentialMounts }
        container.volumeMounts? += ClaimVolumes(settings.tool.claims).mounts
        container.resources = toolResources
        return container
    }

    /// What an administrator adds; nothing of the volume but the tool's /tmp, and no credential.
    func sidecars() -> [Container] {
        settings.tool.sidecars.map { sidecar in
            let image = settings.images.mirrors.name(for: sidecar.image)
            var container = plain(sidecar.name, image, isRootReadOnly: false)
            container.command = sidecar.command?.map(ExpandableText.asWritten)
            container.args = sidecar.args?.map(ExpandableText.asWritten)
            container.workingDir = sidecar.workingDirectory
            container.env = Self.lastOfEach(
                sidecar.environment.map { EnvironmentVariable($0.name, .asWritten($0.value)) }
            )
            container.ports = sidecar.ports.isEmpty ? nil : sidecar.ports
            container.resources = ContainerResources(
                requests: sidecar.requests.quantities,
                limits: sidecar.limits.quantities
            )
            container.volumeMounts = [layout.scratch]
            return container
        }
    }

    private func plain(
        _ name: String,
        _ image: String,
        isRootReadOnly: Bool
    ) -> Container {
        var container = Container(
            name: name,
            image: image,
            securityContext: SecurityContext(isRootReadOnly: isRootReadOnly)
        )
        let policy = settings.images.pullPolicy
        container.imagePullPolicy = policy == .standard ? nil : policy.rawValue
        return container
    }

    /// A command line of ours as data; only the pod's uid is for the kubelet to fill in.
    private func words(_ command: [ByteString]) throws(HeadError) -> [ExpandableText] {
        var texts: [ExpandableText] = []
        for word in command {
            guard let text = String(validating: word.bytes, as: UTF8.self) else {
                throw HeadError(.machine, what: "An argument of the worker is not UTF-8: \(word)")
            }
            let isUID = word == ByteString(ExpandableText.variable(Self.podUID).text)
            texts.append(isUID ? .variable(Self.podUID) : .literal(text))
        }
        return texts
    }

    // MARK: Environment

    /// What the worker needs to speak to the bucket, and to say who it is.
    private var workerEnvironment: [EnvironmentVariable] {
        var variables = [EnvironmentVariable(Self.podUID, podField: "metadata.uid")]
        if settings.worker.credentialsSecret != nil {
            variables.append(
                EnvironmentVariable(
                    "AWS_SHARED_CREDENTIALS_FILE",
                    .literal(VolumeLayout.credentials + "/credentials")
                )
            )
        }
        return variables
            + settings.worker.environment.map { EnvironmentVariable($0.name, .literal($0.value)) }
    }

    private var toolEnvironment: [EnvironmentVariable] {
        let tool = settings.tool
        return tool.resources.environment.map { EnvironmentVariable($0.name, .literal($0.value)) }
            + tool.environment.map { EnvironmentVariable($0.name, .literal($0.value)) }
            + tool.environmentSecrets
            .map { EnvironmentVariable($0.name, secret: $0.secret, key: $0.key) }
    }

    /// The last one of each name, as whoever sets two of them means it; nil for none.
    private static func lastOfEach(_ variables: [EnvironmentVariable]) -> [EnvironmentVariable]? {
        let kept = variables.enumerated()
            .filter { index, variable in
                !variables[(index + 1)...].contains { $0.name == variable.name }
            }
        return kept.isEmpty ? nil : kept.map(\.element)
    }

    /// The Secret as a whole directory: one mounted by a subPath is never renewed.
    private var credentialMounts: [VolumeMount] {
        settings.worker.credentialsSecret == nil
            ? []
            : [VolumeMount(Self.credentialsVolume, at: VolumeLayout.credentials, isReadOnly: true)]
    }

    // MARK: Resources

    /// A volume in memory is counted to whoever writes into it.
    private var volumeInMemory: Int64 {
        settings.volume.medium == .memory ? disk.volume : 0
    }

    private func workerResources(fillsVolume: Bool) -> ContainerResources? {
        var limits = settings.worker.limits
        if fillsVolume { limits.memory = limits.memory.map { $0 + volumeInMemory } }
        return ContainerResources(
            requests: settings.worker.requests.quantities,
            limits: limits.quantities
        )
    }

    /// The disk of the whole pod is asked for here: the scheduler and the kubelet add up its
    /// containers.
    private var toolResources: ContainerResources? {
        var requests = settings.tool.resources.requests
        var limits = settings.tool.resources.limits
        requests.memory = requests.memory.map { $0 + volumeInMemory }
        limits.memory = limits.memory.map { $0 + volumeInMemory }
        requests.ephemeralStorage = disk.request
        limits.ephemeralStorage = disk.limit
        return ContainerResources(requests: requests.quantities, limits: limits.quantities)
    }
}
