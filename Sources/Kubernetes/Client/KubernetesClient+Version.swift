// SPDX-License-Identifier: Apache-2.0

extension KubernetesClient {
    /// What the server is. Everybody may ask.
    package func serverVersion() async throws(KubernetesError) -> ServerVersion {
        let call = ClusterCall(verb: .get, kind: .version)
        return try await send(
            ClusterRequest(call, ClusterURL(path: "/version")),
            as: ServerVersion.self
        )
    }
}
