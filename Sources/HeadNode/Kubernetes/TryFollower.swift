// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Staging

/// Waits for the end of one try, from what the cluster's view and the pods' logs say.
struct TryFollower: Sendable {
    let client: KubernetesClient
    let view: ClusterView
    let streams: Turnstile
    let job: String
    let roles: PodRoles
    let limits: TryJudge.Limits
    let words: TryWords
    /// Whether the run has a result by now, whoever stored it.
    let isDecided: ResultQuestion
    let news: @Sendable (TryNews) -> Void

    /// How often something is looked at although nothing has changed, in seconds.
    private static let tick = 1.0
    /// How often the events of a pod that waits are read, in seconds.
    private static let eventsEvery = 30.0
    /// How often the result is looked for while somebody ends the try, in seconds.
    private static let resultEvery = 10.0

    /// - Returns: nil if the task was cancelled first.
    func callAsFunction() async -> TryEnd? {
        let (wakes, wake) = AsyncStream.makeStream(
            of: Void.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        view.wake(for: job) { wake.yield() }
        defer { view.wake(for: job, nil) }
        wake.yield()
        return await withDiscardingTaskGroup(returning: TryEnd?.self) { group in
            var nextTick = 0.0
            var judge = TryJudge(limits)
            var followed: Set<String> = []
            var silence = ClusterSilence()
            var causes = WaitCauses(every: Self.eventsEvery)
            var nextQuestion = 0.0
            defer { group.cancelAll() }
            for await _ in wakes {
                // The result decides whatever the pod comes to.
                if words.hasResult { return .exited(0) }
                let seen = view.seen(job)
                let now = Clock.monotonicSeconds()
                if let word = silence.note(seen.trouble, now: now) {
                    news(seen.trouble == nil ? .note(word) : .trouble(word))
                }
                for reader in newReaders(seen, &followed, wake) { group.addTask { await reader() } }
                let isBeingEnded = seen.isBeingEnded
                // Whoever ends a run from elsewhere has stored its result before: no pod that does
                // not end keeps anybody here.
                if isBeingEnded, now >= nextQuestion {
                    nextQuestion = now + Self.resultEvery
                    if await isDecided() { return .exited(0) }
                }
                var sighting = TrySighting(
                    job: seen.job,
                    pods: seen.pods,
                    roles: roles,
                    storing: words.storing
                )
                if case .waiting(let wait) = sighting, seen.trouble == nil {
                    sighting = .waiting(await causes.known(wait, seen, client))
                }
                let isComplete = seen.isComplete && seen.trouble == nil
                let hasJob = seen.job != nil
                switch judge(sighting, isComplete: isComplete, hasJob: hasJob, now: now) {
                case .goOn: break
                case .tellWaiting(let why): news(.waiting(why))
                case .tellRunning(let node): news(.running(node))
                case .confirm:
                    if let end = await confirm() { return end }
                    judge.deny(now: now)
                case .end(let end, let isOver):
                    // Of an end that says itself what it was, there are no last words to wait for.
                    if isOver, end != .exited(0) { await drain() }
                    return words.hasResult ? .exited(0) : end
                }
                guard sighting.isTimed || isBeingEnded, now >= nextTick else { continue }
                // Half of it: a tick must not come too early to be followed by another one.
                nextTick = now + Self.tick / 2
                group.addTask {
                    guard (try? await Task.sleep(for: .seconds(Self.tick))) != nil else { return }
                    wake.yield()
                }
            }
            return nil
        }
    }

    /// "Not in the view" is not "not there": the server itself must say so.
    private func confirm() async -> TryEnd? {
        do throws(KubernetesError) {
            // What cannot be said now is asked again; whatever else happens must be noticed.
            guard try await client.with(retry: .once).job(job) == nil else { return nil }
            return .gone("Job \(job) was deleted by somebody, or removed after its time")
        } catch {
            return nil
        }
    }

    /// Lets the last lines of ended containers come: they say why.
    private func drain() async {
        for _ in 0..<10 {
            if words.hasResult { return }
            guard (try? await Task.sleep(for: .milliseconds(100))) != nil else { return }
        }
    }

    /// Readers for the containers that have begun and are not read yet. What a container has said
    /// that ended well is of no use any more.
    private func newReaders(
        _ seen: ClusterView.Seen,
        _ followed: inout Set<String>,
        _ wake: AsyncStream<Void>.Continuation
    ) -> [PodLogReader] {
        var readers: [PodLogReader] = []
        for pod in seen.pods {
            let name = pod.metadata.name
            for container in roles.names {
                let state = pod.status.container(container)?.state
                let hasFailed = state?.terminated.map { $0.exitCode != 0 } ?? false
                guard state?.running != nil || hasFailed,
                    followed.insert("\(name)/\(container)").inserted
                else { continue }
                readers.append(reader(name, container, wake))
            }
        }
        return readers
    }

    private func reader(
        _ pod: String,
        _ container: String,
        _ wake: AsyncStream<Void>.Continuation
    ) -> PodLogReader {
        PodLogReader(
            client: client,
            streams: streams,
            pod: pod,
            container: container,
            isRunning: { [view, job] in
                let known = view.seen(job).pods.first { $0.metadata.name == pod }
                return known?.status.container(container)?.state?.running != nil
            },
            each: { [words, news, roles] line in
                // In the tool's container nobody can know of a result but the worker that does it all.
                let isBelieved = container != roles.tool || roles.tool == roles.last
                guard let frame = words.take(line, of: pod, isBelieved: isBelieved) else { return }
                if case .resultStored = frame { wake.yield() }
                news(.frame(frame))
            }
        )
    }
}
