// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Kubernetes
import Staging

/// Runs each try as a Kubernetes Job.
///
/// Following costs no request of its own but a log stream a container: the cluster's view is shared.
/// A try costs a create, and a patch or a delete.
struct KubernetesExecutor: Executor {
    let cluster: Cluster
    let settings: KubernetesSettings
    let instance: InstanceName
    let subject: JobSubject

    /// How long a Job of the same name may take to go, in seconds.
    private static let oldJobPatience = 60
    /// How long the pods of a Job that was deleted may take to end, in seconds.
    private static let endPatience = 90
    /// How often somebody who waits for room is told so, in seconds.
    private static let quotaNotice = 30

    private var client: KubernetesClient { cluster.client }
    private var roles: PodRoles { settings.shape == .split ? .split : .single }

    private func name(_ id: TryID) -> JobName { settings.jobName(of: id, instance: instance) }

    // MARK: Submit

    func submit(
        _ order: TryOrder,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) {
        let plan = try JobPlan(
            order: order,
            subject: subject,
            settings: settings,
            user: .galaxys
        )
        for round in 0... {
            do throws(KubernetesError) {
                cluster.note(try await client.createJob(plan.manifest))
                return
            } catch {
                switch error.code {
                case .alreadyExists:
                    if try await adopt(plan.name, order) { return }
                case .beingDeleted where round < Self.oldJobPatience: break
                case .quota:
                    if round % Self.quotaNotice == 0 { news(.waiting(error.headline)) }
                default: throw HeadError(error, doing: "Cannot submit try \(order.id)")
                }
            }
            guard (try? await Task.sleep(for: .seconds(1))) != nil else { break }
        }
        throw HeadError(.interrupted, what: "Try \(order.id) was not submitted")
    }

    /// Takes the Job of this name for the try's, if it is.
    ///
    /// - Returns: whether it is there, and stays.
    private func adopt(
        _ name: JobName,
        _ order: TryOrder
    ) async throws(HeadError) -> Bool {
        let found = try await asking("Cannot look at Job \(name)") {
            () async throws(KubernetesError) in try await client.job(name.description)
        }
        guard let found, found.metadata.deletionTimestamp == nil else { return false }
        let notes = found.metadata.annotations
        guard notes[JobLabels.runKey] == order.id.run.description,
            notes[JobLabels.specKey] == order.specSHA256.hex
        else {
            throw HeadError(
                .executor,
                what: "A Job named \(name) exists, and it is not of run \(order.id.run)",
                place: "namespace \(client.namespace)",
                remedy: "Find out whose it is, and remove it; or give this Galaxy another instance"
                    + " name."
            )
        }
        cluster.note(found)
        return true
    }

    // MARK: Follow

    func follow(
        _ id: TryID,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) -> TryEnd {
        let follower = TryFollower(
            client: client,
            view: cluster.view,
            job: name(id).description,
            roles: roles,
            limits: TryJudge.Limits(settings.patience),
            words: cluster.words(id),
            news: news
        )
        guard let end = await follower() else {
            throw HeadError(.interrupted, what: "Run \(id.run) goes on without being watched")
        }
        return end
    }

    func lastWords(_ id: TryID) -> String { cluster.words(id).last }

    func rescue(
        _ id: TryID,
        into folder: RunFolder
    ) async throws(HeadError) {
        for pod in cluster.view.seen(name(id).description).pods {
            let rescue = PodRescue(client: client, pod: pod, roles: roles)
            try folder.keep(log: await rescue.text(), ofPod: pod.metadata.name)
        }
    }

    // MARK: End

    func stop(_ id: TryID) async throws(HeadError) {
        let name = name(id)
        try await delete(name)
        for _ in 0..<Self.endPatience {
            let pods = try await asking("Cannot see whether try \(id) has ended") {
                () async throws(KubernetesError) in
                try await client.pods(JobSelector.pods(of: name))
            }
            guard pods.items.contains(where: \.canRun) else { return }
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
        defer { cluster.forget(id, name.description) }
        let isOver = isSuccess || cluster.view.seen(name.description).job?.isOver == true
        // A sidecar does not end by itself.
        let endsByItself = settings.tool.sidecars.isEmpty
        let isKept =
            settings.keeping.keeps(isSuccess: isSuccess) && cluster.isTimed(name.description)
        guard isOver, endsByItself, isKept else { return try await delete(name) }
        guard isSuccess, settings.keeping.afterSuccess != settings.keeping.afterEnd else { return }
        let seconds = settings.keeping.afterSuccess.map { "\($0)" } ?? "null"
        do throws(KubernetesError) {
            _ = try await client.patchJob(
                name.description,
                merge: Array(#"{"spec":{"ttlSecondsAfterFinished":\#(seconds)}}"#.utf8)
            )
        } catch {
            // Gone already is gone.
            if error.code == .notFound { return }
            throw HeadError(error, doing: "Cannot say how long Job \(name) is kept")
        }
    }

    private func delete(_ name: JobName) async throws(HeadError) {
        try await asking("Cannot delete Job \(name)") { () async throws(KubernetesError) in
            try await client.deleteJob(name.description)
        }
    }

    @discardableResult
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

extension TryJudge.Limits {
    init(_ patience: PatienceSettings) {
        self.init(
            schedule: patience.unschedulable.map(Double.init),
            image: Double(patience.imagePull),
            container: Double(patience.containerCreate)
        )
    }
}

extension KeepingSettings {
    /// Whether the server, and not the head, removes a Job that has ended.
    func keeps(isSuccess: Bool) -> Bool {
        switch cleanup {
        case .always: false
        case .onSuccess: !isSuccess
        case .never: true
        }
    }
}
