// SPDX-License-Identifier: Apache-2.0

import Kubernetes

/// What a Job and its pods say of a try. A pure reading of what the API server sent.
///
/// Servers of 1.20 and of 1.36 say the same things differently, and leave out what there is nothing
/// to say of; nothing here relies on a field being there. Conditions are looked up by type.
enum TrySighting: Sendable, Equatable {
    /// Nothing that says how it fares.
    case unknown
    case waiting(PodWait)
    /// The tool's container runs, or has run and its results are being stored.
    case running(node: String)
    /// The pod still runs, but will not come to an end by itself: after so many seconds without
    /// anything else it counts as ended so.
    case stuck(TryEnd, seconds: Int)
    case ended(TryEnd)

    /// Whether there are pods that wait or run.
    var isUnderWay: Bool {
        switch self {
        case .waiting, .running: true
        case .unknown, .stuck, .ended: false
        }
    }

    /// Whether time alone can make something of it.
    var isTimed: Bool { if case .running = self { false } else { true } }

    /// - Parameter storing: the pods whose last container is known to have seen the tool's end.
    init(
        job: Job?,
        pods: [Pod],
        roles: PodRoles,
        storing: Set<String> = []
    ) {
        if let failed = job?.status.condition("Failed"), failed.isTrue,
            failed.reason == "DeadlineExceeded"
        {
            self = .ended(
                .walltime("the Job took longer than its deadline. \(LimitAdvice.time)")
            )
            return
        }
        if let pod = Self.current(pods) {
            let isStoring = storing.contains(pod.metadata.name)
            self = PodReading(pod: pod, roles: roles, isStoring: isStoring).sighting
        } else if let job {
            self = Self.sighting(of: job)
        } else {
            self = .unknown
        }
    }

    /// A Job normally has one pod; where its controller replaces a deleted one, the newest counts.
    static func current(_ pods: [Pod]) -> Pod? {
        pods.max { one, other in
            let (a, b) = (one.metadata, other.metadata)
            // RFC 3339 in UTC sorts as text.
            return (a.creationTimestamp ?? "", a.name) < (b.creationTimestamp ?? "", b.name)
        }
    }

    /// A Job that has no pod: not yet, or not any more.
    private static func sighting(of job: Job) -> TrySighting {
        if let failed = job.status.condition("Failed"), failed.isTrue {
            return .ended(.gone("its pod was removed (\(failed.reason ?? "the Job has failed"))"))
        }
        if job.status.condition("Complete")?.isTrue == true { return .ended(.exited(0)) }
        if let suspended = job.status.condition("Suspended"), suspended.isTrue {
            // Whoever holds Jobs back, such as Kueue, waits for room as a scheduler does.
            let why = PodText.after(": ", suspended.message)
            return .waiting(
                PodWait(
                    kind: .schedule,
                    text: "Job \(job.metadata.name) is suspended\(why)"
                )
            )
        }
        return .waiting(
            PodWait(
                kind: .control,
                text: "Job \(job.metadata.name) has no pod; making one is the cluster's controller "
                    + "manager's"
            )
        )
    }
}
