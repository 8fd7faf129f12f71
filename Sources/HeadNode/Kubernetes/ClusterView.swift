// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Kubernetes
import Synchronization

/// What is known of this head's Jobs and their pods, from one watch of each, however many there are.
///
/// Who follows a try asks here, and is woken when something about it has changed. One try's trouble
/// is nobody else's: nothing here throws, and nobody is waited for.
final class ClusterView: Sendable {
    /// A Job and its pods, as far as they are known.
    struct Seen: Sendable {
        var job: Job?
        var pods: [Pod] = []
        /// Whether a Job that is not here was not there when the server last told everything.
        var isComplete = false
        /// Why nothing new is heard of the cluster, while that is so.
        var trouble: KubernetesError?

        /// Whether somebody has deleted the Job, or its pod.
        var isBeingEnded: Bool {
            guard let job else { return isComplete && !pods.isEmpty }
            return job.metadata.deletionTimestamp != nil
                || TrySighting.current(pods)?.isBeingDeleted == true
        }
    }

    private struct State {
        var jobs: [String: Job] = [:]
        /// By the name of their Job, then by their own.
        var pods: [String: [String: Pod]] = [:]
        var hasJobs = false
        var hasPods = false
        var jobTrouble: KubernetesError?
        var podTrouble: KubernetesError?
        var wakers: [String: @Sendable () -> Void] = [:]

        /// What somebody has to do something about comes first.
        var trouble: KubernetesError? {
            let both = [jobTrouble, podTrouble].compactMap { $0 }
            return both.first { !$0.isRetryable } ?? both.first
        }
    }

    private let state = Mutex(State())

    /// Keeps this view true until the task is cancelled.
    func watch(
        _ client: KubernetesClient,
        _ selector: LabelSelector
    ) async {
        async let jobs: Void = ResourceWatch<Job>(client, selector: selector).run { self.apply($0) }
        async let pods: Void = ResourceWatch<Pod>(client, selector: selector).run { self.apply($0) }
        _ = await (jobs, pods)
    }

    /// What is known of the Job of this name.
    func seen(_ job: String) -> Seen {
        state.withLock { state in
            Seen(
                job: state.jobs[job],
                pods: state.pods[job].map { Array($0.values) } ?? [],
                isComplete: state.hasJobs && state.hasPods,
                trouble: state.trouble
            )
        }
    }

    /// Calls `waker` whenever something about this Job has changed; one for each Job.
    func wake(
        for job: String,
        _ waker: (@Sendable () -> Void)?
    ) {
        state.withLock { $0.wakers[job] = waker }
    }

    func apply(_ event: ResourceEvent<Job>) {
        let wakers = state.withLock { state in
            switch event {
            case .listed(let jobs):
                state.jobs = Dictionary(jobs.map { ($0.metadata.name, $0) }) { $1 }
                state.hasJobs = true
                state.jobTrouble = nil
                return Array(state.wakers.values)
            case .changed(let job):
                state.jobs[job.metadata.name] = job
                state.jobTrouble = nil
                return [state.wakers[job.metadata.name]].compactMap { $0 }
            case .deleted(let job):
                state.jobs[job.metadata.name] = nil
                state.jobTrouble = nil
                return [state.wakers[job.metadata.name]].compactMap { $0 }
            case .trouble(let error):
                state.jobTrouble = error
                return Array(state.wakers.values)
            case .recovered:
                state.jobTrouble = nil
                return Array(state.wakers.values)
            }
        }
        for waker in wakers { waker() }
    }

    func apply(_ event: ResourceEvent<Pod>) {
        let wakers = state.withLock { state in
            switch event {
            case .listed(let pods):
                state.pods = [:]
                for pod in pods {
                    guard let job = pod.jobName else { continue }
                    state.pods[job, default: [:]][pod.metadata.name] = pod
                }
                state.hasPods = true
                state.podTrouble = nil
                return Array(state.wakers.values)
            case .changed(let pod):
                guard let job = pod.jobName else { return [] }
                state.pods[job, default: [:]][pod.metadata.name] = pod
                state.podTrouble = nil
                return [state.wakers[job]].compactMap { $0 }
            case .deleted(let pod):
                guard let job = pod.jobName else { return [] }
                state.podTrouble = nil
                state.pods[job]?[pod.metadata.name] = nil
                if state.pods[job]?.isEmpty == true { state.pods[job] = nil }
                return [state.wakers[job]].compactMap { $0 }
            case .trouble(let error):
                state.podTrouble = error
                return Array(state.wakers.values)
            case .recovered:
                state.podTrouble = nil
                return Array(state.wakers.values)
            }
        }
        for waker in wakers { waker() }
    }
}

extension Pod {
    /// The Job it was made for.
    var jobName: String? { metadata.ownerReferences.first { $0.kind == "Job" }?.name }
}
