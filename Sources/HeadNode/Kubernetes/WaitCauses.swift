// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import Staging

/// Finds in a waiting pod's events what its status does not say, such as a volume that cannot be
/// mounted.
struct WaitCauses {
    /// Events after which a container cannot be made until somebody does something.
    private static let obstacles = [
        "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedCreatePodContainer",
    ]

    let every: Double
    private var begin: Double?
    private var asked = 0.0
    private var obstacle: String?

    init(every seconds: Double) { every = seconds }

    /// The wait, with its cause where one is known by now.
    mutating func known(
        _ wait: PodWait,
        _ pod: Pod,
        _ client: KubernetesClient
    ) async -> PodWait {
        guard wait.kind == .ordinary, pod.status.phase == "Pending" else { return wait }
        let now = Clock.monotonicSeconds()
        let start = begin ?? now
        begin = start
        // What is made in the ordinary time costs no request.
        if now - start >= every / 3, now - asked >= every {
            asked = now
            obstacle = Self.obstacle(in: (try? await client.events(ofUID: pod.metadata.uid)) ?? [])
        }
        guard let obstacle else { return wait }
        return PodWait(kind: .container, text: "pod \(pod.metadata.name): \(obstacle)")
    }

    /// The last thing that was said, if it is an obstacle.
    static func obstacle(in events: [ClusterEvent]) -> String? {
        guard let last = events.last, let reason = last.reason, obstacles.contains(reason) else {
            return nil
        }
        return reason + PodText.after(": ", last.message)
    }
}
