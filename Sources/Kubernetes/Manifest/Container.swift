// SPDX-License-Identifier: Apache-2.0

/// One container of a pod as we send it.
package struct Container: Encodable, Sendable, Equatable {
    package var name: String
    package var image: String
    /// nil for the server's rule: `Always` for the tag `latest`, else `IfNotPresent`.
    package var imagePullPolicy: String?
    /// nil for the image's own entry point.
    package var command: [ExpandableText]?
    package var args: [ExpandableText]?
    package var workingDir: String?
    package var env: [EnvironmentVariable]?
    package var ports: [ContainerPort]?
    package var resources: ContainerResources?
    package var securityContext: SecurityContext
    package var volumeMounts: [VolumeMount]?

    package init(name: String, image: String, securityContext: SecurityContext) {
        self.name = name
        self.image = image
        self.securityContext = securityContext
    }
}

/// A port that a container listens on; it opens nothing on the node.
package struct ContainerPort: Encodable, Sendable, Equatable {
    package var containerPort: Int
    package var name: String?
    /// `TCP`, `UDP` or `SCTP`; nil for TCP.
    package var `protocol`: String?

    package init(containerPort: Int, name: String?, protocol: String?) {
        self.containerPort = containerPort
        self.name = name
        self.protocol = `protocol`
    }
}

/// What a container asks for and may take at most: `cpu`, `memory`, `ephemeral-storage`, each a
/// quantity.
package struct ContainerResources: Encodable, Sendable, Equatable {
    package var requests: [String: String]?
    package var limits: [String: String]?

    /// nil where nothing is asked for and nothing is limited.
    package init?(requests: [String: String], limits: [String: String]) {
        if requests.isEmpty, limits.isEmpty { return nil }
        self.requests = requests.isEmpty ? nil : requests
        self.limits = limits.isEmpty ? nil : limits
    }
}
