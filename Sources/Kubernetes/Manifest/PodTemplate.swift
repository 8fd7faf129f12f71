// SPDX-License-Identifier: Apache-2.0

/// The pod that a Job makes.
package struct PodTemplate: Encodable, Sendable, Equatable {
    package var metadata: Metadata
    package var spec: PodManifest

    package init(metadata: Metadata, spec: PodManifest) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// A pod's spec as we send it. What is nil is left to the server's default.
package struct PodManifest: Encodable, Sendable, Equatable {
    /// Seconds from when a node has taken the pod up.
    package var activeDeadlineSeconds: Int64?
    package var affinity: ManifestValue?
    package var automountServiceAccountToken = false
    package var containers: [Container]
    package var enableServiceLinks = false
    package var imagePullSecrets: [NamedObject]?
    package var initContainers: [Container]
    package var nodeSelector: [String: String]?
    package var priorityClassName: String?
    package var restartPolicy = "Never"
    package var securityContext: PodSecurityContext
    package var serviceAccountName: String?
    package var terminationGracePeriodSeconds: Int64
    package var tolerations: [Toleration]
    package var volumes: [Volume]

    package init(
        initContainers: [Container],
        containers: [Container],
        volumes: [Volume],
        securityContext: PodSecurityContext,
        tolerations: [Toleration],
        terminationGracePeriodSeconds: Int64
    ) {
        self.initContainers = initContainers
        self.containers = containers
        self.volumes = volumes
        self.securityContext = securityContext
        self.tolerations = tolerations
        self.terminationGracePeriodSeconds = terminationGracePeriodSeconds
    }
}

/// An object of the pod's own namespace, by name.
package struct NamedObject: Encodable, Sendable, Equatable {
    package var name: String

    package init(name: String) { self.name = name }
}
