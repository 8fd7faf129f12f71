// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Names

/// What a try's pod is made of, in either shape. A pure value.
///
/// `split`: `fetch` brings the files, then `tool` runs beside `push`, and only the worker's own
/// containers have credentials. `single`: `install` prepares the volume, then one container does
/// it all.
struct PodPlan: Sendable {
    let initContainers: [Container]
    let containers: [Container]
    let volumes: [Volume]

    init(
        _ order: TryOrder,
        image: ImageReference,
        disk: DiskDemand,
        settings: KubernetesSettings
    ) throws(HeadError) {
        guard let worker = settings.images.worker else {
            throw HeadError(
                .executor,
                what: "No image of the worker is configured",
                remedy: "Set kubernetes.worker_image."
            )
        }
        let plan = ContainerPlan(
            settings: settings,
            layout: try VolumeLayout(order.spec.roots, claims: settings.tool.claims),
            disk: disk,
            invocation: try Self.invocation(order, settings),
            workerImage: settings.images.mirrors.name(for: worker),
            toolImage: settings.images.mirrors.name(for: image)
        )
        switch settings.shape {
        case .split:
            initContainers = [try plan.worker(.fetch)]
            containers = [try plan.tool(.tool), try plan.worker(.push)] + plan.sidecars()
        case .single:
            initContainers = [try plan.install(roots: order.spec.roots.count)]
            containers = [try plan.tool(.run)] + plan.sidecars()
        }
        volumes = Self.volumes(settings, disk)
    }

    /// The containers that must not be given an identity in the cloud, whatever the pod has.
    static func withoutIdentity(_ settings: KubernetesSettings) -> [String] {
        (settings.shape == .split ? [ContainerPlan.toolName] : [])
            + settings.tool.sidecars.map(\.name)
    }

    private static func invocation(
        _ order: TryOrder,
        _ settings: KubernetesSettings
    ) throws(HeadError) -> WorkerInvocation {
        let folder = try path(VolumeLayout.folder)
        let cache = try path(VolumeLayout.cache)
        return try WorkerInvocation(
            order,
            program: try path(VolumeLayout.program),
            state: try path(VolumeLayout.state),
            pod: ExpandableText.variable(ContainerPlan.podUID).text,
            volume: settings.shape == .split ? folder : nil,
            cache: settings.cache.map { (cache, $0.bytes) }
        )
    }

    private static func path(_ text: String) throws(HeadError) -> FilePath {
        do throws(NameError) {
            return try FilePath(text)
        } catch {
            throw HeadError(.machine, what: error.what)
        }
    }

    private static func volumes(
        _ settings: KubernetesSettings,
        _ disk: DiskDemand
    ) -> [Volume] {
        var volumes = [
            Volume.emptyDirectory(
                VolumeLayout.name,
                medium: settings.volume.medium == .memory ? "Memory" : nil,
                sizeLimit: Quantity.text(disk.volume)
            )
        ]
        if let secret = settings.worker.credentialsSecret {
            volumes.append(.secret(ContainerPlan.credentialsVolume, of: secret))
        }
        if settings.shape == .split, let cache = settings.cache {
            switch cache.place {
            case .directory(let path):
                volumes.append(.nodeDirectory(ContainerPlan.cacheVolume, at: path.text))
            case .claim(let claim):
                volumes.append(.claim(ContainerPlan.cacheVolume, of: claim, isReadOnly: false))
            }
        }
        return volumes + ClaimVolumes(settings.tool.claims).volumes
    }
}
