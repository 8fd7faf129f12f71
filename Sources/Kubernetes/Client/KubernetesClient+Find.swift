// SPDX-License-Identifier: Apache-2.0

extension KubernetesClient {
    /// The object of this name, or nil if the server says that there is none.
    ///
    /// A namespace that does not exist has no objects either, and servers say no more than that.
    func find<Resource: ClusterResource>(
        _ type: Resource.Type,
        _ name: String
    ) async throws(KubernetesError) -> Resource? {
        try ClusterName.check(name, of: type.kind.plural)
        let call = ClusterCall(verb: .get, kind: type.kind, namespace: namespace, name: name)
        let request = ClusterRequest(
            call,
            ClusterURL(type.kind, namespace: namespace, name: name)
        )
        return try await run(call) { pass, _ throws(CallFailure) in
            let bytes: [UInt8]
            do throws(CallFailure) { bytes = try await sendOnce(request, pass) } catch {
                if case .answer(let refusal) = error, refusal.saysThatThereIsNone(call) {
                    return nil
                }
                throw error
            }
            return try Self.decode(type, bytes)
        }
    }
}

extension Refusal {
    /// Whether the API server says that the very object of `call` does not exist: not its namespace,
    /// not the route, and not a proxy in between.
    func saysThatThereIsNone(_ call: ClusterCall) -> Bool {
        guard status == 404, let serverStatus, let name = call.name else { return false }
        return serverStatus.reason == "NotFound"
            && serverStatus.details.kind == call.kind.plural
            && serverStatus.details.name == name
    }
}
