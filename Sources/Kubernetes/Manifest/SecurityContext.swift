// SPDX-License-Identifier: Apache-2.0

/// What a container may do: nothing that the Pod Security Standard "restricted" forbids. There is
/// no field for more.
package struct SecurityContext: Encodable, Sendable, Equatable {
    private let allowPrivilegeEscalation = false
    private let capabilities = Capabilities()
    /// Whether the image's own files cannot be changed; nil for no.
    package var readOnlyRootFilesystem: Bool?

    private struct Capabilities: Encodable, Equatable {
        let drop = ["ALL"]
    }

    package init(isRootReadOnly: Bool) { readOnlyRootFilesystem = isRootReadOnly ? true : nil }
}

/// Who a pod's containers are.
package struct PodSecurityContext: Encodable, Sendable, Equatable {
    package var runAsUser: Int64
    package var runAsGroup: Int64
    package var runAsNonRoot: Bool
    package var fsGroup: Int64?
    package var supplementalGroups: [Int64]?
    private let seccompProfile = SeccompProfile()

    private struct SeccompProfile: Encodable, Equatable {
        let type = "RuntimeDefault"
    }

    package init(user: Int64, group: Int64, fsGroup: Int64?, supplementalGroup: Int64?) {
        runAsUser = user
        runAsGroup = group
        runAsNonRoot = user != 0
        self.fsGroup = fsGroup
        supplementalGroups = supplementalGroup.map { [$0] }
    }
}
