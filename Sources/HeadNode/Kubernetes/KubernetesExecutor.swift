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

    /// Outlives the first moments of an API server; after that, what is waited for is said.
    private static let submission = ClusterRetry(attempts: 10, time: .seconds(20))

    private var client: KubernetesClient { cluster.client }
    private var roles: PodRoles { settings.shape == .split ? .split : .single }

    private func name(_ id: TryID) -> JobName { settings.jobName(of: id, instance: instance) }

    func name(of id: TryID) -> String? { name(id).description }

    // MARK: Submit

    func submit(
        _ order: TryOrder,
        isDecided: @escaping ResultQuestion,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) -> Bool {
        let plan = try JobPlan(
            order: order,
            subject: subject,
            settings: settings,
            user: .galaxys
        )
        var patience = SubmitPatience()
        // Whether one of our requests can have made it although no answer says so.
        var mayBeThere = false
        while true {
            switch await place(plan) {
            case .success(let placed):
                guard placed.isNew || placed.job.isOf(order) else {
                    throw foreign(plan.name, order)
                }
                cluster.note(placed.job)
                return true
            case .failure(let error):
                mayBeThere = mayBeThere || error.isAmbiguous
                guard case .again(let seconds, let why) = patience.next(after: error) else {
                    let known = mayBeThere ? error.ambiguous : error
                    throw HeadError(known, doing: "Cannot submit try \(order.id)")
                }
                if let why { news(.waiting(why)) }
                // Many runs may wait for the same.
                let pause = Double.random(in: seconds / 2...seconds)
                guard (try? await Task.sleep(for: .seconds(pause))) != nil else {
                    throw HeadError(.interrupted, what: "Try \(order.id) was not submitted")
                }
                // Somebody may have cancelled the run meanwhile.
                if await isDecided() { return false }
            }
        }
    }

    /// Makes the Job, or finds the one that has its name; one on its way out is no such Job.
    private func place(
        _ plan: JobPlan
    ) async -> Result<(job: Job, isNew: Bool), KubernetesError> {
        let client = client.with(retry: Self.submission)
        do throws(KubernetesError) {
            return .success((try await client.createJob(plan.manifest), true))
        } catch {
            guard error.code == .alreadyExists else { return .failure(error) }
            let taken = error
            do throws(KubernetesError) {
                guard let found = try await client.job(plan.name.description),
                    found.metadata.deletionTimestamp == nil
                else { return .failure(taken) }
                return .success((found, false))
            } catch {
                return .failure(error)
            }
        }
    }

    private func foreign(
        _ name: JobName,
        _ order: TryOrder
    ) -> HeadError {
        HeadError(
            .executor,
            what: "A Job named \(name) exists, and it is not of run \(order.id.run)",
            place: "namespace \(client.namespace)",
            remedy:
                "Find out whose it is, and remove it; or give this Galaxy another instance name."
        )
    }

    // MARK: Follow

    func follow(
        _ id: TryID,
        isDecided: @escaping ResultQuestion,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) -> TryEnd {
        let follower = TryFollower(
            client: client,
            view: cluster.view,
            streams: cluster.streams,
            job: name(id).description,
            roles: roles,
            limits: TryJudge.Limits(settings.patience),
            words: cluster.words(id),
            isDecided: isDecided,
            news: news
        )
        guard let end = await follower() else {
            throw HeadError(.interrupted, what: "Run \(id.run) goes on without being watched")
        }
        // The keys are the administrator's: whoever looks for them must find them.
        guard end == .exited(WorkerExit.denied.rawValue) else { return end }
        return .impossible("the bucket denied access to \(settings.workersKeys)")
    }

    func lastWords(_ id: TryID) -> String { cluster.words(id).last }

    func rescue(
        _ id: TryID,
        into folder: RunFolder
    ) async throws(HeadError) {
        let end = Clock.monotonicSeconds() + PodRescue.longest
        let client = client.with(retry: PodRescue.retry)
        for pod in cluster.view.seen(name(id).description).pods {
            let rescue = PodRescue(client: client, pod: pod, roles: roles, end: end)
            try folder.keep(log: await rescue.text(), ofPod: pod.metadata.name)
        }
    }

    // MARK: End

    func stop(
        _ id: TryID,
        patience: Int
    ) async throws(HeadError) -> Bool {
        let name = name(id)
        try await delete(name)
        for _ in 0..<patience {
            let pods = try await asking("Cannot see whether try \(id) has ended") {
                () async throws(KubernetesError) in
                try await client.pods(JobSelector.pods(of: name))
            }
            guard pods.items.contains(where: \.canRun) else { return true }
            guard (try? await Task.sleep(for: .seconds(1))) != nil else { return false }
        }
        return false
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
        guard isOver, endsByItself, settings.keeping.keeps(isSuccess: isSuccess),
            try await isTimed(name)
        else { return try await delete(name) }
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

    /// Whether the server removes this Job by itself. A head that has just begun may not have seen it.
    private func isTimed(_ name: JobName) async throws(HeadError) -> Bool {
        if cluster.isTimed(name.description) { return true }
        guard cluster.view.seen(name.description).job == nil else { return false }
        return try await asking("Cannot look for Job \(name)") { () async throws(KubernetesError) in
            try await client.job(name.description)?.timeToLive != nil
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

extension Job {
    /// Whether it was made for this try, by whichever head.
    fileprivate func isOf(_ order: TryOrder) -> Bool {
        metadata.annotations[JobLabels.runKey] == order.id.run.description
            && metadata.annotations[JobLabels.specKey] == order.specSHA256.hex
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
