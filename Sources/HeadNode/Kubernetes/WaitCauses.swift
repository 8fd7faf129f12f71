// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import Staging

/// Finds in the events of a pod that waits, or of a Job that gets none, what no status says: a volume
/// that cannot be mounted, a pod that a quota or a policy forbids.
struct WaitCauses {
    /// Events after which nothing goes on until somebody does something.
    private static let obstacles = [
        "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedCreatePodContainer",
        "FailedCreate",
    ]

    let every: Double
    /// Whose events are read.
    private var subject = ""
    private var begin = 0.0
    private var asked = 0.0
    private var obstacle: PodWait?

    init(every seconds: Double) { every = seconds }

    /// The wait, with its cause where one is known by now.
    mutating func known(
        _ wait: PodWait,
        _ seen: ClusterView.Seen,
        _ client: KubernetesClient
    ) async -> PodWait {
        guard wait.kind == .ordinary || wait.kind == .control,
            let (uid, name) = Self.subject(of: seen)
        else { return wait }
        let now = Clock.monotonicSeconds()
        if uid != subject {
            subject = uid
            begin = now
            asked = 0
            obstacle = nil
        }
        // What is made in the ordinary time costs no request.
        if now - begin >= every / 3, now - asked >= every {
            asked = now
            // Whoever follows the try must not wait for this.
            if let events = try? await client.with(retry: .once).events(ofUID: uid) {
                obstacle = Self.obstacle(in: events, of: name)
            }
        }
        return obstacle ?? wait
    }

    /// The pod, if nothing of it has begun; without one, the Job.
    ///
    /// Once a container has begun, the pod has what it waited for, and what events say of that is over.
    static func subject(of seen: ClusterView.Seen) -> (uid: String, name: String)? {
        if let pod = TrySighting.current(seen.pods) {
            guard pod.status.phase == "Pending", !pod.hasBegun else { return nil }
            return (pod.metadata.uid, "pod \(pod.metadata.name)")
        }
        return seen.job.map { ($0.metadata.uid, "Job \($0.metadata.name)") }
    }

    /// The last thing that was said, if it is an obstacle.
    static func obstacle(
        in events: [ClusterEvent],
        of subject: String
    ) -> PodWait? {
        guard let last = events.last, let reason = last.reason, obstacles.contains(reason) else {
            return nil
        }
        let text = "\(subject): \(reason)" + PodText.after(": ", last.message)
        // Room in a quota comes as room on a node does: when others have ended.
        let isQuota = last.message?.contains("exceeded quota") == true
        return PodWait(kind: isQuota ? .schedule : .container, text: text)
    }
}
