// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Synchronization

/// The cluster that all tries of this head share: one client, one view, one watch of Jobs and one of
/// Pods.
final class Cluster: Sendable {
    let client: KubernetesClient
    /// The API server, as the head is told it.
    let server: String
    let view = ClusterView()
    /// Lets as many logs be followed as there may be streams: who waits here costs little.
    let streams = Turnstile(limit: KubernetesClient.streamLimit)
    private let words = Mutex<[TryID: TryWords]>([:])
    /// Jobs that the server removes by itself when their time is over.
    private let timed = Mutex<Set<String>>([])

    init(client: KubernetesClient, server: String) {
        self.client = client
        self.server = server
    }

    /// The cluster that the settings name; nil when tries run elsewhere. It is not spoken to yet.
    convenience init?(
        _ settings: Settings,
        observe: @escaping ClusterObserver = { _ in }
    ) throws(HeadError) {
        guard settings.executor == .kubernetes else { return nil }
        let access = settings.kubernetes.access
        do throws(KubernetesError) {
            let found = try access.found()
            self.init(
                client: try KubernetesClient(
                    found,
                    namespace: access.namespace,
                    observe: observe
                ),
                server: found.server
            )
        } catch {
            throw HeadError(error, doing: "Cannot use the cluster")
        }
    }

    /// Keeps the watches going while `work` runs.
    func serving<Value: Sendable>(
        _ instance: InstanceName,
        _ work: @escaping @Sendable () async throws(HeadError) -> Value
    ) async throws(HeadError) -> Value {
        let selector = JobSelector.all(of: instance)
        let outcome = await withTaskGroup(
            of: Result<Value, HeadError>?.self,
            returning: Result<Value, HeadError>?.self
        ) { group in
            group.addTask { [view, client] in
                await view.watch(client, selector)
                return nil
            }
            group.addTask {
                do throws(HeadError) {
                    return .success(try await work())
                } catch {
                    return .failure(error)
                }
            }
            for await result in group {
                guard let result else { continue }
                group.cancelAll()
                return result
            }
            return nil
        }
        guard let outcome else { throw HeadError(.interrupted, what: "Interrupted") }
        return try outcome.get()
    }

    /// What the worker's containers of a try have said.
    func words(_ id: TryID) -> TryWords {
        words.withLock { all in
            if let known = all[id] { return known }
            let new = TryWords()
            all[id] = new
            return new
        }
    }

    /// Forgets a try.
    func forget(_ id: TryID, _ job: String) {
        words.withLock { $0[id] = nil }
        timed.withLock { _ = $0.remove(job) }
    }

    /// Remembers what the server made of a Job.
    func note(_ job: Job) {
        guard job.timeToLive != nil else { return }
        timed.withLock { _ = $0.insert(job.metadata.name) }
    }

    /// Whether the server removes this Job by itself.
    func isTimed(_ job: String) -> Bool {
        timed.withLock { $0.contains(job) } || view.seen(job).job?.timeToLive != nil
    }
}
