// SPDX-License-Identifier: Apache-2.0

import Kubernetes

/// The section `kubernetes`. Where a value cannot be used a problem is noted, and what stands in for
/// it here never counts.
extension SettingsResolver {
    mutating func kubernetes() -> KubernetesSettings {
        KubernetesSettings(
            access: ClusterAccessSettings(
                namespace: read(KubernetesKeys.namespace) ?? "",
                configPath: read(KubernetesKeys.configPath),
                context: read(KubernetesKeys.context),
                usesServiceAccount: read(KubernetesKeys.usesServiceAccount) ?? false
            ),
            galaxyInstance: read(KubernetesKeys.galaxyInstance),
            shape: read(KubernetesKeys.shape) ?? .split,
            images: ImageSettings(
                worker: read(KubernetesKeys.workerImage),
                pullPolicy: read(KubernetesKeys.pullPolicy) ?? .standard,
                pullSecrets: read(KubernetesKeys.pullSecrets) ?? [],
                mirrors: RegistryMirrors(rules: read(KubernetesKeys.mirrors) ?? [])
            ),
            worker: workerSettings(),
            tool: toolSettings(),
            volume: VolumeSettings(
                medium: read(KubernetesKeys.volumeMedium) ?? .disk,
                outputAllowance: read(KubernetesKeys.outputAllowance) ?? 0
            ),
            identity: IdentitySettings(
                user: read(KubernetesKeys.user) ?? .galaxys,
                group: read(KubernetesKeys.group) ?? .galaxys,
                fileSystemGroup: optionalGroup(KubernetesKeys.fileSystemGroup),
                supplementalGroup: optionalGroup(KubernetesKeys.supplementalGroup),
                serviceAccount: read(KubernetesKeys.serviceAccount)
            ),
            placement: PlacementSettings(
                nodeSelector: read(KubernetesKeys.nodeSelector) ?? [:],
                affinity: read(KubernetesKeys.affinity),
                tolerations: read(KubernetesKeys.tolerations) ?? [],
                priorityClass: read(KubernetesKeys.priorityClass)
            ),
            metadata: read(KubernetesKeys.jobMetadata) ?? PodMetadataSettings(),
            patience: PatienceSettings(
                unschedulable: read(KubernetesKeys.unschedulableLimit) ?? nil,
                imagePull: read(KubernetesKeys.imagePullLimit) ?? 0,
                containerCreate: read(KubernetesKeys.containerCreateLimit) ?? 0
            ),
            keeping: KeepingSettings(
                cleanup: read(KubernetesKeys.cleanup) ?? .never,
                afterEnd: read(KubernetesKeys.timeToLive) ?? nil,
                afterSuccess: read(KubernetesKeys.timeToLiveAfterSuccess) ?? nil
            )
        )
    }

    /// 0 is none, as in Galaxy's own runner: no pod gets root's group besides.
    private mutating func optionalGroup(
        _ key: TypedKey<IdentitySettings.Number>
    ) -> IdentitySettings.Number? {
        let number = read(key)
        return number == .fixed(0) ? nil : number
    }

    private mutating func workerSettings() -> WorkerSettings {
        let worker = WorkerSettings(
            requests: ToolResources.Amounts(
                cpu: read(KubernetesKeys.workerRequestsCPU),
                memory: read(KubernetesKeys.workerRequestsMemory)
            ),
            limits: ToolResources.Amounts(memory: read(KubernetesKeys.workerLimitsMemory)),
            credentialsSecret: read(KubernetesKeys.credentialsSecret),
            environment: read(KubernetesKeys.workerEnvironment) ?? []
        )
        let resources = ToolResources(requests: worker.requests, limits: worker.limits)
        check(resources, [.memory: KubernetesKeys.workerRequestsMemory.key])
        return worker
    }

    private mutating func toolSettings() -> ToolSettings {
        let resources = ToolResources(
            requests: ToolResources.Amounts(
                cpu: read(KubernetesKeys.requestsCPU),
                memory: read(KubernetesKeys.requestsMemory),
                ephemeralStorage: read(KubernetesKeys.requestsDisk)
            ),
            limits: ToolResources.Amounts(
                cpu: read(KubernetesKeys.limitsCPU),
                memory: read(KubernetesKeys.limitsMemory),
                ephemeralStorage: read(KubernetesKeys.limitsDisk)
            )
        )
        check(
            resources,
            [
                .cpu: KubernetesKeys.requestsCPU.key, .memory: KubernetesKeys.requestsMemory.key,
                .disk: KubernetesKeys.requestsDisk.key,
            ]
        )
        let tool = ToolSettings(
            resources: resources,
            environment: read(KubernetesKeys.extraEnvironment) ?? [],
            environmentSecrets: read(KubernetesKeys.environmentSecrets) ?? [],
            claims: read(KubernetesKeys.claims) ?? [],
            isRootReadOnly: read(KubernetesKeys.isRootReadOnly) ?? false,
            sidecars: read(KubernetesKeys.sidecars) ?? []
        )
        checkNames(tool)
        return tool
    }

    /// A server would refuse a request above its limit, job by job.
    private mutating func check(
        _ resources: ToolResources,
        _ keys: [ToolResources.Resource: ConfigKey]
    ) {
        guard let excess = resources.excess, let key = keys[excess] else { return }
        report(key, excess.problem.why, excess.problem.remedy)
    }

    private mutating func checkNames(_ tool: ToolSettings) {
        var names = tool.environment.map(\.name)
        for variable in tool.environmentSecrets {
            if names.contains(variable.name) {
                report(
                    KubernetesKeys.environmentSecrets.key,
                    "\(variable.name) is set twice",
                    "Keep one of them."
                )
            }
            names.append(variable.name)
        }
        for (index, claim) in tool.claims.enumerated()
        where tool.claims[..<index].contains(where: { $0.path == claim.path }) {
            report(
                KubernetesKeys.claims.key,
                "two claims are mounted at \(claim.path)",
                "Keep one of them."
            )
        }
    }

    /// What only matters where tries run on Kubernetes.
    mutating func check(_ settings: KubernetesSettings) {
        let image = KubernetesKeys.workerImage.key
        if let worker = settings.images.worker {
            if !worker.isPinned {
                warn(
                    image,
                    "\(worker) may mean another program tomorrow",
                    "Pin it by @sha256: and the image's digest."
                )
            }
        } else if !isSet(image) {
            reportMissing(image, "no image of the worker is set")
        }
        if settings.shape == .single, settings.worker.credentialsSecret != nil {
            warn(
                KubernetesKeys.shape.key,
                "a tool can read the worker's credentials in this shape",
                "Write split, or give credentials that reach no more than this Galaxy's prefix."
            )
        }
    }

    /// How often a run is tried again, by the names of Galaxy's runner; nil if none is set.
    mutating func podRetries() -> Int? {
        let pods = read(KubernetesKeys.podRetries)
        let retries = read(KubernetesKeys.maxPodRetries) ?? pods
        return [retries, read(KubernetesKeys.backOffLimit)].compactMap(\.self).min()
    }
}
