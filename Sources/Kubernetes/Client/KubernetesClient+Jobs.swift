// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Transport

/// What becomes of the pods of a Job that is deleted.
package enum DeletePropagation: String, Sendable, Encodable {
    /// The Job goes at once, its pods soon after.
    case background = "Background"
    /// The Job goes when its pods have gone.
    case foreground = "Foreground"
}

extension KubernetesClient {
    /// Creates a Job from its JSON.
    ///
    /// Names are deterministic, so an attempt whose answer was lost is repeated; the repetition may
    /// find the Job that the first one made. So `.alreadyExists` says nothing about whose it is: the
    /// caller reads the Job and adopts it if it is its own (`isAmbiguous` says that an attempt before
    /// can have made it).
    ///
    /// - Throws: `.alreadyExists`; `.beingDeleted` while one of that name is on its way out; `.quota`.
    ///   Whatever is thrown, with `isAmbiguous` the Job can be there.
    package func createJob(_ manifest: [UInt8]) async throws(KubernetesError) -> Job {
        // For messages; what is wrong with the manifest the server says.
        let name = try? JSONDecoder().decode(Named.self, from: Data(manifest)).metadata.name
        let call = ClusterCall(verb: .create, kind: .jobs, namespace: namespace, name: name)
        var request = ClusterRequest(call, ClusterURL(.jobs, namespace: namespace))
        request.method = .post
        request.body = manifest
        return try await send(request, as: Job.self)
    }

    /// Lets the server go through all that comes before a Job is created, and keep nothing of it.
    ///
    /// - Throws: what `createJob` would throw; `.notFound` where the namespace does not exist.
    package func rehearseJob(_ manifest: [UInt8]) async throws(KubernetesError) {
        let call = ClusterCall(verb: .create, kind: .jobs, namespace: namespace)
        let url = ClusterURL(.jobs, namespace: namespace).with("dryRun", "All")
        var request = ClusterRequest(call, url)
        request.method = .post
        request.body = manifest
        _ = try await send(request, as: Job.self)
    }

    /// The Job of this name, or nil if the server says that there is none.
    ///
    /// - Throws: never because of the Job's absence: any other 404 is `.notFound`.
    package func job(_ name: String) async throws(KubernetesError) -> Job? {
        try await find(Job.self, name)
    }

    /// All Jobs that `selector` chooses, as they are now. One request for each 500 of them.
    package func jobs(
        _ selector: LabelSelector
    ) async throws(KubernetesError) -> ResourceList<Job> { try await list(Job.self, selector) }

    /// Changes a Job (RFC 7386, JSON merge patch).
    ///
    /// - Throws: `.conflict` if the patch names a `resourceVersion` and the Job has another one.
    @discardableResult
    package func patchJob(
        _ name: String,
        merge patch: [UInt8]
    ) async throws(KubernetesError) -> Job {
        try ClusterName.check(name, of: "Job")
        let call = ClusterCall(verb: .patch, kind: .jobs, namespace: namespace, name: name)
        var request = ClusterRequest(call, ClusterURL(.jobs, namespace: namespace, name: name))
        request.method = .patch
        request.body = patch
        request.contentType = "application/merge-patch+json"
        return try await send(request, as: Job.self)
    }

    /// Deletes a Job.
    ///
    /// - Parameters:
    ///   - uid: which one; another one of the same name stays, and counts as "not there".
    ///   - graceSeconds: how long; nil for what its pods say.
    /// - Returns: whether it was there. A 404 after a lost answer counts as our own doing.
    @discardableResult
    package func deleteJob(
        _ name: String,
        uid: String? = nil,
        propagation: DeletePropagation = .background,
        graceSeconds: Int? = nil
    ) async throws(KubernetesError) -> Bool {
        try ClusterName.check(name, of: "Job")
        let call = ClusterCall(verb: .delete, kind: .jobs, namespace: namespace, name: name)
        var request = ClusterRequest(call, ClusterURL(.jobs, namespace: namespace, name: name))
        request.method = .delete
        request.body = try DeleteOptions(
            propagationPolicy: propagation,
            preconditions: uid.map { DeleteOptions.Preconditions(uid: $0) },
            gracePeriodSeconds: graceSeconds
        )
        .json()
        let prepared = request
        do throws(KubernetesError) {
            return try await run(call) { pass, mayHaveHappened throws(CallFailure) in
                do throws(CallFailure) {
                    _ = try await sendOnce(prepared, pass)
                    return true
                } catch {
                    if case .answer(let refusal) = error, refusal.saysThatThereIsNone(call) {
                        return mayHaveHappened
                    }
                    throw error
                }
            }
        } catch {
            // What the server calls a conflict is told by the object, not by the server's words.
            guard error.code == .conflict, let uid else { throw error }
            if try await job(name)?.metadata.uid == uid { throw error }
            return false
        }
    }
}

/// As much of a manifest as a message needs.
private struct Named: Decodable {
    let metadata: Metadata

    struct Metadata: Decodable { let name: String }
}

private struct DeleteOptions: Encodable {
    var apiVersion = "v1"
    var kind = "DeleteOptions"
    let propagationPolicy: DeletePropagation
    let preconditions: Preconditions?
    let gracePeriodSeconds: Int?

    struct Preconditions: Encodable { let uid: String }

    func json() throws(KubernetesError) -> [UInt8] {
        do { return Array(try JSONEncoder().encode(self)) } catch {
            throw KubernetesError(.invalid, what: "The request cannot be written", cause: error)
        }
    }
}
