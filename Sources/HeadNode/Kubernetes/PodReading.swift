// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes

/// What one pod says of a try.
struct PodReading {
    let pod: Pod
    let roles: PodRoles
    /// Whether its last container has said that it stores what the tool has left.
    let isStoring: Bool

    /// How long a pod may go on, in seconds, whose tool's container did not end well and whose last one
    /// has not said that it saw that. Nobody else would end it if the first was gone before it could
    /// say that it had begun.
    private static let stillbornPatience = 60

    /// How much longer than its grace a deleted pod may take to end, in seconds: a kubelet that
    /// answers needs moments.
    private static let lostPatience = 60
    /// No grace counts as longer, in seconds: what a server says is input.
    private static let longestGrace = 86_400

    private var status: PodStatus { pod.status }
    private var isFailed: Bool { status.phase == "Failed" }
    private var name: String { pod.metadata.name }

    var sighting: TrySighting {
        if let end = podsOwnEnd ?? containersEnd { return .ended(end) }
        if let lost { return lost }
        if let stuck { return stuck }
        if let wait { return .waiting(wait) }
        let tool = status.container(roles.tool)?.state
        if tool?.running != nil || tool?.terminated != nil {
            return .running(node: pod.nodeName ?? "")
        }
        if status.container(roles.initial)?.state?.running != nil {
            return .waiting(PodWait(kind: .ordinary, text: "its files are being fetched"))
        }
        if status.phase == "Pending", pod.nodeName == nil {
            return .waiting(
                PodWait(
                    kind: .control,
                    text: "no scheduler has looked at pod \(name) yet; is the cluster's running?"
                )
            )
        }
        return status.phase.isEmpty || status.phase == "Unknown"
            ? .unknown
            : .waiting(
                PodWait(kind: .ordinary, text: "its containers are being made")
            )
    }

    // MARK: Ends

    /// An end that the pod as a whole had, whatever its containers say.
    private var podsOwnEnd: TryEnd? {
        guard isFailed, let reason = status.reason, !reason.isEmpty else { return nil }
        let message = PodText.trimmed(status.message)
        switch reason {
        case "DeadlineExceeded":
            return .walltime("pod \(name) took longer than its deadline. \(LimitAdvice.time)")
        case "Evicted" where DiskEviction.isOwnLimit(message):
            return .impossible(
                "pod \(name) used more disk than it may: \(message). Raise "
                    + "kubernetes.output_allowance or limits_ephemeral_storage"
            )
        default:
            let detail = message.isEmpty ? "" : ": \(message)"
            return .killed("pod \(name)\(place) ended as \(reason)\(detail)")
        }
    }

    /// An end that follows from how the containers ended.
    private var containersEnd: TryEnd? {
        let isOver = isFailed || status.phase == "Succeeded"
        if let end = terminated(roles.initial), end.exitCode != 0 {
            return judge(end, of: roles.initial)
        }
        let last = terminated(roles.last)
        guard isOver || last != nil else { return nil }
        if let tool = terminated(roles.tool), isOutOfMemory(tool, roles.tool) {
            return wantOfMemory
        }
        if let last {
            // All that `push` can say of a worker that left no word is that it was killed.
            if last.exitCode == WorkerExit.stopped.rawValue, let tool = toolsOwnVerdict {
                return judge(tool, of: roles.tool)
            }
            return judge(last, of: roles.last)
        }
        return .killed("pod \(name)\(place) was ended before its containers were\(disruption)")
    }

    /// The end of the tool's container of three, where its worker says itself what went wrong.
    private var toolsOwnVerdict: ContainerState.Terminated? {
        guard roles.tool != roles.last, let tool = terminated(roles.tool) else { return nil }
        switch WorkerExit(rawValue: tool.exitCode) {
        case nil, .committed, .stopped: return nil
        default: return tool
        }
    }

    private func judge(
        _ end: ContainerState.Terminated,
        of container: String
    ) -> TryEnd {
        if let why = CannotStart(end) {
            return .impossible("the container \(container) cannot be started: \(why.text)")
        }
        if isOutOfMemory(end, container) {
            // Each such try runs the whole tool again.
            return .starved(
                "the worker's container \(container) had too little memory. Raise "
                    + "kubernetes.worker_limits_memory"
            )
        }
        if end.exitCode > 127 || end.exitCode < 0 || end.reason == "ContainerStatusUnknown" {
            let how = end.exitCode > 128 ? "signal \(end.exitCode - 128)" : "status \(end.exitCode)"
            return .killed("the container \(container) of pod \(name)\(place), \(how)\(disruption)")
        }
        let isDisturbed = isDisruptionTarget || pod.isBeingDeleted
        // A node that goes away takes the network with it: such ends say nothing about the run.
        if isDisturbed, [66, 69, 74, 75].contains(end.exitCode) {
            return .killed("pod \(name)\(place) was told to end\(disruption)")
        }
        return .exited(end.exitCode)
    }

    private var wantOfMemory: TryEnd {
        .outOfMemory("pod \(name) used more memory than the tool may. \(LimitAdvice.memory)")
    }

    /// Whether the kernel ended this container for want of memory. A runtime says so too of one that
    /// went on when a process of its was killed: then its exit status is its own.
    private func isOutOfMemory(
        _ end: ContainerState.Terminated,
        _ container: String
    ) -> Bool {
        guard end.reason == "OOMKilled", end.exitCode != 0 else { return false }
        // The tool's container of three has no worker in it whose word would count here.
        let isWorkers = container != roles.tool || roles.tool == roles.last
        return !(isWorkers && WorkerExit(rawValue: end.exitCode) != nil)
    }

    /// Ends that the pod may not come to by itself, because `push` waits for a tool that never
    /// began.
    ///
    /// A container that ends with 0 has begun, and has handed over what is to be stored. Any other end
    /// leaves nothing that counts, so little is lost where `push` is at work and is not heard.
    private var stuck: TrySighting? {
        guard roles.tool != roles.last, let tool = terminated(roles.tool), tool.exitCode != 0 else {
            return nil
        }
        if let why = CannotStart(tool) {
            let text = "the tool's container cannot be started: \(why.text)"
            return .stuck(.impossible(text), seconds: 0)
        }
        guard !isStoring else { return nil }
        let isStarved = isOutOfMemory(tool, roles.tool)
        let end = isStarved ? wantOfMemory : judge(tool, of: roles.tool)
        return .stuck(end, seconds: Self.stillbornPatience)
    }

    /// A pod that was deleted and has not ended. On a node that does not answer it never will, and
    /// it stays until somebody removes the node; what it stores until then may still count.
    private var lost: TrySighting? {
        guard pod.isBeingDeleted else { return nil }
        let grace = min(max(0, pod.metadata.deletionGracePeriodSeconds ?? 0), Self.longestGrace)
        let why = pod.nodeName.map { "; node \($0) does not answer" } ?? ""
        return .stuck(
            .killed("pod \(name) was deleted and does not end\(why)"),
            seconds: grace + Self.lostPatience
        )
    }

    // MARK: Waits

    private var wait: PodWait? {
        if let scheduled = status.condition("PodScheduled"), !scheduled.isTrue,
            scheduled.reason == "Unschedulable"
        {
            let text = PodText.trimmed(scheduled.message)
            return PodWait(kind: .schedule, text: "no node can take pod \(name): \(text)")
        }
        for container in status.initContainerStatuses + status.containerStatuses {
            guard let waiting = container.state?.waiting, let reason = waiting.reason else {
                continue
            }
            let text =
                "container \(container.name) of pod \(name): \(reason)"
                + PodText.after(": ", waiting.message)
            switch reason {
            case "InvalidImageName", "ErrImageNeverPull":
                return PodWait(kind: .image, text: text, isHopeless: true)
            case "ImagePullBackOff":
                return PodWait(kind: .image, text: text)
            case "ErrImagePull", "ImageInspectError", "RegistryUnavailable":
                let cause = reason + PodText.after(": ", waiting.message)
                return PodWait(kind: .image, text: text, cause: cause)
            case "CreateContainerConfigError", "CreateContainerError", "RunContainerError",
                "CrashLoopBackOff":
                return PodWait(kind: .container, text: text)
            default: continue
            }
        }
        return nil
    }

    // MARK: Words

    private func terminated(_ container: String) -> ContainerState.Terminated? {
        status.container(container)?.state?.terminated
    }

    private var isDisruptionTarget: Bool { status.condition("DisruptionTarget")?.isTrue == true }

    private var place: String { pod.nodeName.map { " on \($0)" } ?? "" }

    /// Who disturbed the pod, as far as it is known.
    private var disruption: String {
        if let condition = status.condition("DisruptionTarget"), condition.isTrue {
            return " (\(condition.reason ?? "DisruptionTarget")"
                + PodText.after(": ", condition.message) + ")"
        }
        return pod.isBeingDeleted ? " (the pod was deleted)" : ""
    }
}

/// The runtime could not begin the container's program, so it never will.
struct CannotStart {
    let text: String

    init?(_ end: ContainerState.Terminated) {
        guard let reason = end.reason, ["StartError", "ContainerCannotRun"].contains(reason) else {
            return nil
        }
        text = reason + PodText.after(": ", end.message)
    }
}

/// A kubelet evicts for a node's sake, and for a pod's own limits.
enum DiskEviction {
    /// Whether this is the message of an eviction for the pod's own disk limit.
    static func isOwnLimit(_ message: String) -> Bool {
        [
            "local storage usage exceeds", "local ephemeral storage limit",
            "Usage of EmptyDir volume",
        ]
        .contains { message.contains($0) }
    }
}
