// SPDX-License-Identifier: Apache-2.0

/// A Pod (v1) as the server has it; of its fields, those that we read.
package struct Pod: ClusterResource, Equatable {
    package static let kind = ResourceKind.pods

    package var metadata: ObjectMeta
    /// The node it was given to; nil as long as it waits for one.
    package var nodeName: String?
    package var status: PodStatus

    private enum CodingKeys: String, CodingKey { case metadata, spec, status }
    private struct Spec: Decodable { var nodeName: String? }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try fields.decode(ObjectMeta.self, forKey: .metadata)
        nodeName = try fields.decodeIfPresent(Spec.self, forKey: .spec)?.nodeName
        status = try fields.decodeIfPresent(PodStatus.self, forKey: .status) ?? PodStatus()
    }
}

/// How a Pod fares. Servers leave out what there is nothing to say of: a pod that was evicted may
/// have no container statuses at all.
package struct PodStatus: Decodable, Sendable, Equatable {
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`, or what a later server says.
    package var phase = ""
    package var reason: String?
    package var message: String?
    /// When the kubelet took it up, RFC 3339.
    package var startTime: String?
    package var conditions: [Condition] = []
    package var initContainerStatuses: [ContainerStatus] = []
    package var containerStatuses: [ContainerStatus] = []

    private enum CodingKeys: String, CodingKey {
        case phase, reason, message, startTime, conditions, initContainerStatuses, containerStatuses
    }

    package init() {}

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        phase = try fields.decodeIfPresent(String.self, forKey: .phase) ?? ""
        reason = try fields.decodeIfPresent(String.self, forKey: .reason)
        message = try fields.decodeIfPresent(String.self, forKey: .message)
        startTime = try fields.decodeIfPresent(String.self, forKey: .startTime)
        conditions = try fields.decodeIfPresent([Condition].self, forKey: .conditions) ?? []
        initContainerStatuses =
            try fields.decodeIfPresent([ContainerStatus].self, forKey: .initContainerStatuses) ?? []
        containerStatuses =
            try fields.decodeIfPresent([ContainerStatus].self, forKey: .containerStatuses) ?? []
    }

    /// The condition of this type, if the status has one.
    package func condition(_ type: String) -> Condition? { conditions.first { $0.type == type } }

    /// The status of the container of this name, init containers included.
    package func container(_ name: String) -> ContainerStatus? {
        (initContainerStatuses + containerStatuses).first { $0.name == name }
    }
}

/// How one container of a Pod fares.
package struct ContainerStatus: Decodable, Sendable, Equatable {
    package var name: String
    package var restartCount: Int?
    package var state: ContainerState?
    package var lastState: ContainerState?
}

/// One of the three is there; none means that the container waits.
package struct ContainerState: Decodable, Sendable, Equatable {
    package var waiting: Waiting?
    package var running: Running?
    package var terminated: Terminated?

    package struct Waiting: Decodable, Sendable, Equatable {
        /// Such as `ImagePullBackOff`.
        package var reason: String?
        package var message: String?
    }

    package struct Running: Decodable, Sendable, Equatable {
        package var startedAt: String?
    }

    package struct Terminated: Decodable, Sendable, Equatable {
        package var exitCode: Int32
        package var signal: Int32?
        /// Such as `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown`.
        package var reason: String?
        package var message: String?
        package var startedAt: String?
        package var finishedAt: String?
    }
}
