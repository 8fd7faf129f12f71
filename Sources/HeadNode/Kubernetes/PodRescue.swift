// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Kubernetes
import Staging
import Synchronization

/// Keeps what the cluster forgets with a pod: its containers' words, and what was said about it.
struct PodRescue: Sendable {
    let client: KubernetesClient
    let pod: Pod
    let roles: PodRoles
    /// When all of it must be over, in seconds of the clock that never goes back.
    let end: Double

    /// How long one log, or the events, may take, in seconds: a kubelet that is away answers with
    /// silence.
    static let longestPart = 10.0
    /// How long everything may take, in seconds.
    static let longest = 20.0
    /// What asks for it: somebody waits for the next try.
    static let retry = ClusterRetry(attempts: 2, time: .seconds(5))

    /// The most that is kept of each stream, in bytes; its end counts more than its beginning.
    private static let most = 64 << 10
    /// The most that is asked of a log, in lines.
    private static let lines = 20_000

    /// Everything as one text for people.
    func text() async -> [UInt8] {
        var text = header
        text += await events()
        for name in roles.names { text += await section(name) }
        return Array(text.utf8)
    }

    private var header: String {
        let status = pod.status
        var lines = [
            "pod \(pod.metadata.name) (uid \(pod.metadata.uid)) on \(pod.nodeName ?? "no node")",
            "phase \(status.phase) \(status.reason ?? "") \(status.message ?? "")",
        ]
        for condition in status.conditions {
            lines.append(
                "condition \(condition.type)=\(condition.status) \(condition.reason ?? "") "
                    + (condition.message ?? "")
            )
        }
        for container in status.initContainerStatuses + status.containerStatuses {
            let end = container.state?.terminated
            let waiting = container.state?.waiting
            let state =
                end.map { "ended with \($0.exitCode) \($0.reason ?? "") \($0.message ?? "")" }
                ?? waiting.map { "waits: \($0.reason ?? "") \($0.message ?? "")" }
                ?? "runs"
            lines.append("container \(container.name) \(state)")
        }
        return lines.map { Array($0.utf8).logSafe + "\n" }.joined()
    }

    private func events() async -> String {
        let found = await within(limit) { [client, pod] in
            try? await client.events(ofUID: pod.metadata.uid)
        }
        guard let found, let events = found else { return "" }
        return
            events.map { event in
                let text =
                    "event \(event.reason ?? "") x\(event.count ?? 1): \(event.message ?? "")"
                return Array(text.utf8).logSafe + "\n"
            }
            .joined()
    }

    private func section(_ container: String) async -> String {
        guard let status = pod.status.container(container),
            status.state?.running != nil || status.state?.terminated != nil
        else { return "" }
        let log = Mutex(Sections())
        var options = PodLogOptions()
        options.tailLines = Self.lines
        let asked = options
        let failure = await within(limit) { [client, pod] () -> KubernetesError? in
            do throws(KubernetesError) {
                try await client.podLog(pod.metadata.name, container: container, asked) { line in
                    log.withLock { $0.take(line, most: Self.most) }
                }
                return nil
            } catch {
                return error
            }
        }
        switch failure {
        case .some(.some(let error)):
            return "\n--- \(container): its log is not to be had: \(error.line)\n"
        case .some(.none): return log.withLock { $0.text(container) }
        case .none:
            let text = log.withLock { $0.text(container) }
            return text + "\n--- \(container): the rest of its log did not come in time\n"
        }
    }

    /// How long the next part may take, in seconds.
    private var limit: Double { min(Self.longestPart, end - Clock.monotonicSeconds()) }

    /// A container's log, its frames taken apart.
    private struct Sections {
        var words: [UInt8] = []
        var streams: [WorkerFrame.Stream: [UInt8]] = [:]

        mutating func take(
            _ line: ArraySlice<UInt8>,
            most: Int
        ) {
            switch WorkerFrame(line: line) {
            case .output(let stream, _, let bytes):
                streams[stream] = Array(((streams[stream] ?? []) + bytes).suffix(most))
            case .some: break
            case nil: words = Array((words + line + [UInt8(ascii: "\n")]).suffix(most))
            }
        }

        func text(_ container: String) -> String {
            var text = "\n--- \(container)\n" + String(decoding: words, as: UTF8.self)
            for stream in [WorkerFrame.Stream.stdout, .stderr] {
                guard let bytes = streams[stream], !bytes.isEmpty else { continue }
                text += "\n--- the tool's \(stream.rawValue), its end\n"
                text += String(decoding: bytes, as: UTF8.self) + "\n"
            }
            return text
        }
    }
}
