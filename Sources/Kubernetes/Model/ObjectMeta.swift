// SPDX-License-Identifier: Apache-2.0

/// What every Kubernetes object says of itself; of its fields, those that we read.
///
/// Everything a server may leave out is optional or empty: what we read is input.
package struct ObjectMeta: Decodable, Sendable, Equatable {
    package var name: String
    package var namespace: String?
    package var uid: String
    package var resourceVersion: String
    /// RFC 3339, whole seconds.
    package var creationTimestamp: String?
    /// There once somebody has asked for the object's deletion.
    package var deletionTimestamp: String?
    /// How long it may take to end from then on, in seconds; what a pod's kubelet keeps to.
    package var deletionGracePeriodSeconds: Int?
    package var labels: [String: String]
    package var annotations: [String: String]
    package var ownerReferences: [OwnerReference]

    package struct OwnerReference: Decodable, Sendable, Equatable {
        package var kind: String
        package var name: String
        package var uid: String
    }

    private enum CodingKeys: String, CodingKey {
        case name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp
        case deletionGracePeriodSeconds, labels, annotations, ownerReferences
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        name = try fields.decodeIfPresent(String.self, forKey: .name) ?? ""
        namespace = try fields.decodeIfPresent(String.self, forKey: .namespace)
        uid = try fields.decodeIfPresent(String.self, forKey: .uid) ?? ""
        resourceVersion = try fields.decodeIfPresent(String.self, forKey: .resourceVersion) ?? ""
        creationTimestamp = try fields.decodeIfPresent(String.self, forKey: .creationTimestamp)
        deletionTimestamp = try fields.decodeIfPresent(String.self, forKey: .deletionTimestamp)
        deletionGracePeriodSeconds =
            try fields.decodeIfPresent(Int.self, forKey: .deletionGracePeriodSeconds)
        labels = try fields.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
        annotations = try fields.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
        ownerReferences =
            try fields.decodeIfPresent([OwnerReference].self, forKey: .ownerReferences) ?? []
    }
}

/// One of the facts that a status lists; look them up by type, never by position.
package struct Condition: Decodable, Sendable, Equatable {
    package var type: String
    /// `True`, `False` or `Unknown`.
    package var status: String
    package var reason: String?
    package var message: String?

    package var isTrue: Bool { status == "True" }
}
