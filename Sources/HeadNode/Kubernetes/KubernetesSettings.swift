// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Names

/// How tools are run on a Kubernetes cluster: the section `kubernetes` of the configuration, valid
/// by construction. docs/kubernetes.md lists its keys beside those of Galaxy's own runner.
struct KubernetesSettings: Sendable, Equatable {
    var access = ClusterAccessSettings()
    /// The Galaxy's name in the names of Jobs; nil for the instance's.
    var galaxyInstance: InstanceName?
    var shape: PodShape = .split
    var images = ImageSettings()
    var worker = WorkerSettings()
    var tool = ToolSettings()
    var volume = VolumeSettings()
    var cache: NodeCacheSettings?
    var identity = IdentitySettings()
    var placement = PlacementSettings()
    var metadata = PodMetadataSettings()
    var patience = PatienceSettings()
    var keeping = KeepingSettings()

    /// Whose keys the worker has, for messages.
    var workersKeys: String {
        let namespace = access.namespace
        if let secret = worker.credentialsSecret {
            return "the keys in Secret \(secret) (kubernetes.credentials_secret) of namespace "
                + namespace
        }
        if let account = identity.serviceAccount {
            return
                "service account \(account) (kubernetes.service_account) of namespace \(namespace)"
        }
        return "a worker in namespace \(namespace) that is given no keys: neither "
            + "kubernetes.credentials_secret nor kubernetes.service_account is set"
    }

    /// The name of a try's Job: the one that was noted when it began, whatever is configured by now.
    func jobName(
        of id: TryID,
        instance: InstanceName
    ) -> JobName {
        id.name.flatMap { JobName(noted: $0) } ?? JobName(galaxyInstance ?? instance, id)
    }
}

/// How the API server is reached, and where everything of ours is.
struct ClusterAccessSettings: Sendable, Equatable {
    var namespace = "default"
    /// The kubeconfig; nil for `KUBECONFIG`, then `~/.kube/config`.
    var configPath: FilePath?
    /// The context of the kubeconfig; nil for its current one.
    var context: String?
    /// Whether to speak as the pod that the head runs in.
    var usesServiceAccount = false
}

/// Which images, and where from.
struct ImageSettings: Sendable, Equatable {
    enum PullPolicy: String, Sendable, CaseIterable {
        /// The server's own rule.
        case standard = "Default"
        case always = "Always"
        case ifNotPresent = "IfNotPresent"
        case never = "Never"
    }

    /// The worker's image, whose entry point is the worker; there wherever tries run on Kubernetes.
    var worker: ImageReference?
    var pullPolicy: PullPolicy = .standard
    var pullSecrets: [String] = []
    var mirrors = RegistryMirrors()
}

/// What our own containers get.
struct WorkerSettings: Sendable, Equatable {
    var requests = ToolResources.Amounts(cpu: 100, memory: 64 << 20)
    var limits = ToolResources.Amounts(memory: 256 << 20)
    /// A Secret with an AWS credentials file in its key `credentials`; nil where the service
    /// account says who we are.
    var credentialsSecret: String?
    /// For proxies.
    var environment: [NamedText] = []
}

/// What the tool's container gets.
struct ToolSettings: Sendable, Equatable {
    var resources = ToolResources()
    var environment: [NamedText] = []
    var environmentSecrets: [SecretVariable] = []
    var claims: [ClaimMount] = []
    var isRootReadOnly = false
    /// Containers that run beside it.
    var sidecars: [Sidecar] = []
}

/// A variable and its value.
struct NamedText: Sendable, Equatable {
    var name: String
    var value: String
}

/// A variable whose value is in a Secret.
struct SecretVariable: Sendable, Equatable {
    var name: String
    var secret: String
    var key: String
}

/// A volume of the cluster's that tools see, beside what is staged.
struct ClaimMount: Sendable, Equatable {
    var claim: String
    /// A folder of it; nil for the whole.
    var folder: String?
    var path: FilePath
    var isReadOnly: Bool
}

/// The volume of a try.
struct VolumeSettings: Sendable, Equatable {
    enum Medium: String, Sendable, CaseIterable {
        case disk
        /// Counted into the memory that the pod asks for.
        case memory
    }

    var medium: Medium = .disk
    /// What a tool may write, in bytes.
    var outputAllowance: Int64 = 10 << 30
}

/// Who the containers of a pod are, to its node and to the cluster.
struct IdentitySettings: Sendable, Equatable {
    /// A user's or group's number.
    enum Number: Sendable, Equatable {
        /// Galaxy's own on the head node.
        case galaxys
        case fixed(Int64)
    }

    var user: Number = .galaxys
    var group: Number = .galaxys
    var fileSystemGroup: Number?
    var supplementalGroup: Number?
    var serviceAccount: String?
}

/// On which nodes pods may run.
struct PlacementSettings: Sendable, Equatable {
    var nodeSelector: [String: String] = [:]
    var affinity: ManifestValue?
    var tolerations: [Toleration] = []
    var priorityClass: String?
}

/// What is noted on Jobs and pods beside our own.
struct PodMetadataSettings: Sendable, Equatable {
    var labels: [String: String] = [:]
    var annotations: [String: String] = [:]
}

/// How long a pod may take for what is not the tool's doing; seconds, nil for no limit.
struct PatienceSettings: Sendable, Equatable {
    /// No node takes the pod.
    var unschedulable: Int64?
    /// An image does not come.
    var imagePull: Int64 = 600
    /// A container cannot be made: a Secret or a volume is missing.
    var containerCreate: Int64 = 300
}

/// How long Jobs are kept once they have ended.
struct KeepingSettings: Sendable, Equatable {
    /// When the head itself deletes a Job whose run has ended.
    enum Cleanup: String, Sendable, CaseIterable {
        case always
        case onSuccess = "onsuccess"
        /// The server does, when its time is over.
        case never
    }

    var cleanup: Cleanup = .never
    /// Seconds after its end; nil for ever.
    var afterEnd: Int64? = 86_400
    /// The same, once its results are collected.
    var afterSuccess: Int64? = 3600
}
