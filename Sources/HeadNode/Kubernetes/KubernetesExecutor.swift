// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Kubernetes
import Staging
import Synchronization

/// Runs each try as a Kubernetes Job.
///
/// All tries share one watch of Jobs and one of Pods (`ClusterView`); a try costs a create, a log
/// stream a container, and a patch or a delete.
final class KubernetesExecutor: Executor {
    let client: KubernetesClient
    let settings: KubernetesSettings
    let instance: InstanceName
    private let view = ClusterView()
    private let words = Mutex<[TryID: TryWords]>([:])
    /// Jobs whose time to live the server has taken over.
    private let timed = Mutex<Set<String>>([])

    /// How long a Job of the same name may take to go, in seconds.
    private static let oldJobPatience = 60
    /// How long a pod that is told to end may take beyond what it was promised, in seconds.
    private static let endPatience = 60

    init(
        client: KubernetesClient,
        settings: KubernetesSettings,
        instance: InstanceName
    ) {
        self.client = client
        self.settings = settings
        self.instance = instance
    }

    private var roles: PodRoles { settings.shape == .split ? .split : .single }

    private func name(_ id: TryID) -> String { JobName(instance: settings.jobPrefix(instance), id).text }

    func serving<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(HeadError) -> Value
    ) async throws(HeadError) -> Value {
        let selector = LabelSelector([JobLabels.instance: JobLabels.value(instance.description)])
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

    // MARK: Submit

    func submit(
        _ order: TryOrder,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) {
        let name = name(order.id)
        let plan = try JobPlan(order, instance: instance, settings: settings)
        var waits = 0
        while true {
            do throws(KubernetesError) {
                note(try await client.createJob(plan.manifest))
                return
            } catch {
                switch error.code {
                case .alreadyExists:
                    if try await adopt(name, order) { return }
                case .beingDeleted where waits < Self.oldJobPatience: break
                case .quota: if waits % 30 == 0 { news(.waiting(error.headline)) }
                default: throw HeadError(error, doing: "Cannot submit try \(order.id)")
                }
            }
            waits += 1
            guard (try? await Task.sleep(for: .seconds(1))) != nil else {
                throw HeadError(.interrupted, what: "Try \(order.id) was not submitted")
            }
        }
    }

    /// Takes the Job of this name for the try's, if it is.
    ///
    /// - Returns: whether it is there.
    private func adopt(
        _ name: String,
        _ order: TryOrder
    ) async throws(HeadError) -> Bool {
        let found = try await asking("Cannot look at Job \(name)") {
            () async throws(KubernetesError) in try await client.job(name)
        }
        guard let found else { return false }
        let notes = found.metadata.annotations
        guard notes[JobLabels.run] == order.id.run.description,
            notes[JobLabels.specSHA256] == order.specSHA256.hex
        else {
            throw HeadError(
                .executor,
                what: "A Job named \(name) exists, and it is not of run \(order.id.run)",
                place: "namespace \(client.namespace)",
                remedy: "Find out whose it is, and remove it; or give this Galaxy another instance"
                    + " name."
            )
        }
        note(found)
        return true
    }

    private func note(_ job: Job) {
        guard job.timeToLive != nil else { return }
        timed.withLock { _ = $0.insert(job.metadata.name) }
    }

    // MARK: Follow

    func follow(
        _ id: TryID,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) -> TryEnd {
        let follower = TryFollower(
            client: client,
            view: view,
            job: name(id),
            roles: roles,
            limits: settings.waits,
            words: words(id),
            news: news
        )
        let end = await follower()
        guard let end else {
            throw HeadError(.interrupted, what: "Run \(id.run) goes on without being watched")
        }
        return end
    }

    private func words(_ id: TryID) -> TryWords {
        words.withLock { all in
            if let known = all[id] { return known }
            let new = TryWords()
            all[id] = new
            return new
        }
    }

    func lastWords(_ id: TryID) -> String { words.withLock { $0[id]?.last ?? "" } }

    func rescue(
        _ id: TryID,
        into folder: RunFolder
    ) async throws(HeadError) {
        for pod in view.seen(name(id)).pods {
            let rescue = PodRescue(client: client, pod: pod, roles: roles)
            try folder.keep(log: await rescue.text(), ofPod: pod.metadata.name)
        }
    }

    // MARK: End

    func stop(_ id: TryID) async throws(HeadError) {
        let name = name(id)
        let wasThere = try await asking("Cannot end try \(id)") {
            () async throws(KubernetesError) in
            try await client.deleteJob(name, propagation: .background)
        }
        let selector = LabelSelector([JobLabels.jobName: name])
        for round in 0..<Self.endPatience {
            let pods = try await asking("Cannot see whether try \(id) has ended") {
                () async throws(KubernetesError) in try await client.pods(selector)
            }
            if !pods.items.contains(where: \.hasRunningContainers) { return }
            if !wasThere, round == 0 {
                // A Job that is gone and whose pods are not is being removed by somebody else.
            }
            guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
        }
        throw HeadError(
            .executor,
            what: "The pods of try \(id) do not end",
            place: "Job \(name), namespace \(client.namespace)",
            remedy: "Look at their node; nothing that they store counts any more."
        )
    }

    func remove(
        _ id: TryID,
        isSuccess: Bool
    ) async throws(HeadError) {
        let name = name(id)
        words.withLock { $0[id] = nil }
        let seen = view.seen(name)
        let isOver = seen.job?.isOver == true || isSuccess
        let isTimed = timed.withLock { $0.remove(name) != nil }
        let isKept = settings.cleanup.keeps(isSuccess: isSuccess) && (isTimed || seen.job?.timeToLive != nil)
        guard isOver, isKept else {
            try await asking("Cannot remove Job \(name)") { () async throws(KubernetesError) in
                try await client.deleteJob(name, propagation: .background)
            }
            return
        }
        guard isSuccess, settings.ttlAfterSuccess != settings.ttlAfterFailure else { return }
        let patch = #"{"spec":{"ttlSecondsAfterFinished":\#(settings.ttlAfterSuccess)}}"#
        do throws(KubernetesError) {
            _ = try await client.patchJob(name, merge: Array(patch.utf8))
        } catch where error.code == .notFound {
            // It is gone already.
        } catch {
            throw HeadError(error, doing: "Cannot say how long Job \(name) is kept")
        }
    }

    private func asking<Value>(
        _ action: String,
        _ body: () async throws(KubernetesError) -> Value
    ) async throws(HeadError) -> Value {
        do throws(KubernetesError) {
            return try await body()
        } catch {
            throw HeadError(error, doing: action)
        }
    }
}

extension Pod {
    /// Whether a container of it runs, as far as its status says.
    var hasRunningContainers: Bool {
        let all = status.initContainerStatuses + status.containerStatuses
        return all.contains { $0.state?.running != nil }
    }
}

extension Job {
    /// Whether it has come to its end.
    var isOver: Bool {
        ["Complete", "Failed"].contains { status.condition($0)?.isTrue == true }
    }
}
