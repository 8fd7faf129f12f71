// SPDX-License-Identifier: Apache-2.0

/// What becomes of the pods of a Job that is deleted.
package enum DeletePropagation: String, Sendable {
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
    package func createJob(_ manifest: [UInt8]) async throws(KubernetesError) -> Job {
        throw .unfinished
    }

    /// The Job of this name, or nil if the server says that there is none.
    package func job(_ name: String) async throws(KubernetesError) -> Job? { throw .unfinished }

    /// All Jobs that `selector` chooses.
    package func jobs(
        _ selector: LabelSelector
    ) async throws(KubernetesError) -> ResourceList<Job> { throw .unfinished }

    /// Changes a Job (RFC 7386, JSON merge patch).
    package func patchJob(
        _ name: String,
        merge patch: [UInt8]
    ) async throws(KubernetesError) -> Job { throw .unfinished }

    /// Deletes a Job.
    ///
    /// - Parameters:
    ///   - uid: which one; another one of the same name stays.
    ///   - graceSeconds: how long; nil for what its pods say.
    /// - Returns: whether it was there.
    @discardableResult
    package func deleteJob(
        _ name: String,
        uid: String? = nil,
        propagation: DeletePropagation = .background,
        graceSeconds: Int? = nil
    ) async throws(KubernetesError) -> Bool { throw .unfinished }
}
