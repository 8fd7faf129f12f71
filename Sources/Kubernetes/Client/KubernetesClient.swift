// SPDX-License-Identifier: Apache-2.0

import Transport

/// One namespace of a cluster.
///
/// A value: copies share connections and credentials.
package struct KubernetesClient: Sendable {
    package let namespace: String

    package init(
        _ access: ClusterAccess,
        namespace: String,
        retry: ClusterRetry = .standard,
        observe: @escaping ClusterObserver = { _ in }
    ) throws(KubernetesError) {
        self.namespace = namespace
    }

    package func serverVersion() async throws(KubernetesError) -> ServerVersion {
        throw .unfinished
    }

    /// Asks whether we may do `verb` with `resource` in our namespace.
    package func reviewAccess(
        verb: String,
        _ resource: ResourceKind,
        subresource: String? = nil
    ) async throws(KubernetesError) -> AccessReview {
        throw .unfinished
    }
}

extension KubernetesError {
    static let unfinished = KubernetesError(.invalid, what: "Not written yet")
}
