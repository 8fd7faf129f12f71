// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import Staging

/// Everything that configuration decides, valid by construction.
///
/// It is resolved from the block in `galaxy.yml`, then the environment, then flags; later wins.
struct Settings: Sendable, Equatable {
    /// The name of this Galaxy among those that share the bucket.
    var instance: InstanceName
    @Boxed var storage: StorageLocation
    /// The part of the bucket that is ours.
    var prefix: KeyPrefix
    /// The profile of the shared AWS files to take credentials from; nil for the default order.
    var profile: String?
    var staging: StagingPolicy
    var outputs: OutputSettings
    var executor: ExecutorKind
    var local: LocalSettings
    @Boxed var kubernetes: KubernetesSettings
    /// How often a run that came to nothing is tried again, disruptions not counted.
    var retries: Int
    /// How often a run is tried again after disruptions that are not the tool's fault.
    var disruptions: Int
    /// How long a run waits after its first disruption, in seconds; each further wait is twice as
    /// long.
    var disruptionDelay: Int64
    /// What concerns `serve` as a whole.
    var serve = ServeSettings()
    /// The files of this machine that no job takes along.
    var privateFiles: [[UInt8]] = []

    enum ExecutorKind: String, Sendable, CaseIterable {
        /// On this machine, in namespaces made by bubblewrap.
        case local
        /// As Jobs of a Kubernetes cluster.
        case kubernetes
    }
}

/// What becomes of outputs, and of inputs that are in the bucket.
struct OutputSettings: Sendable, Equatable {
    var mode = OutputMode.copy
    /// Where links name objects of the bucket; nil where it is not mounted.
    var mount: BucketMount?
    /// Whether inputs become links once they are staged.
    var linksInputs = false
}

/// How tools are run on this machine.
struct LocalSettings: Sendable, Equatable {
    /// What a tool sees as `/`.
    enum RootFileSystem: Sendable, Equatable {
        /// This machine's `/usr`, read-only, and as little as possible else.
        case host
        /// A directory that holds a whole root file system, read-only.
        case directory(FilePath)
    }

    enum Network: String, Sendable, CaseIterable {
        /// The machine's own: the tool can reach what the machine can.
        case host
        /// The tool has none; worker and tool run in namespaces of their own.
        case none
    }

    var root: RootFileSystem
    var network: Network
    var shape: PodShape = .single
    /// Where tries keep their volume, log and lock.
    var stateDirectory: FilePath
    /// The worker; nil for `galaxy-worker-exec` beside this program.
    var worker: FilePath?
    /// A directory of this machine that keeps what many jobs read.
    var cache: NodeCacheSettings?

    /// A tool without a network needs a worker with one beside it.
    var effectiveShape: PodShape { network == .none ? .split : shape }
}

/// How a try is divided into containers.
enum PodShape: String, Sendable, CaseIterable {
    /// One container fetches, runs the tool, and pushes.
    case single
    /// One fetches, then one runs the tool, without any credential, beside one that pushes.
    case split
}

/// How many runs are served.
struct ServeSettings: Sendable, Equatable {
    /// Of how many jobs files are moved at once.
    var jobs = 8
    var metrics = MetricsAddress.none
}
