// SPDX-License-Identifier: Apache-2.0

import Transport

/// Which part of a container's log.
package struct PodLogOptions: Sendable, Equatable {
    /// Whether to go on until the container ends. A log that is silent for hours is none the worse.
    package var follow = false
    /// From this moment on (RFC 3339).
    package var sinceTime: String?
    /// Whether each line begins with its time (RFC 3339, nanoseconds) and a blank.
    package var timestamps = false
    package var limitBytes: Int?
    package var tailLines: Int?
    /// Whether the container's run before its last restart is meant.
    package var previous = false

    package init() {}
}

extension KubernetesClient {
    /// Bytes of a log's line that are kept; the rest of it is dropped.
    package static let longestLogLine = 1 << 20
    /// Logs that are followed at a time.
    package static let streamLimit = ClusterLink.streamLimit

    /// Streams a container's log, line by line, without line ends.
    ///
    /// It is tried again as long as nothing of the log has come. A log that is cut off after that is
    /// an error, and going on where it was cut is the caller's affair: `sinceTime` is as exact as a
    /// second. Its end says that the server has no more to send, which is not that the container has
    /// ended. `streamLimit` logs are followed at a time; more wait their turn.
    ///
    /// - Parameter each: called in order, on a thread of the transport: it may write to a local
    ///   disk, and wait for nothing else.
    /// - Throws: `.notStarted` when the container has not begun; `.notFound` when the Pod is gone.
    package func podLog(
        _ pod: String,
        container: String,
        _ options: PodLogOptions = PodLogOptions(),
        each: @escaping @Sendable (ArraySlice<UInt8>) -> Void
    ) async throws(KubernetesError) {
        try ClusterName.check(pod, of: "Pod")
        let call = ClusterCall(
            verb: .get,
            kind: .pods,
            subresource: "log",
            namespace: namespace,
            name: pod
        )
        var request = ClusterRequest(call, logURL(pod, container, options))
        request.accept = "application/json, */*"
        // Keep-alive probes of TCP find out about a server that has gone.
        request.silenceRate = options.follow ? 0 : 1
        let prepared = request
        try await run(call) { pass, _ throws(CallFailure) in
            let sink = LineSink(limit: Self.longestLogLine, each: each)
            do throws(CallFailure) {
                try await send(prepared, pass, on: pass.transports.streams, to: sink)
                sink.finish()
            } catch {
                guard sink.isUsed, case .transport(let cut) = error else { throw error }
                let code: KubernetesError.Code = cut.code == .cancelled ? .cancelled : .unreachable
                let effort = CallEffort(attempts: 1, elapsed: .zero, mayHaveHappened: false)
                throw .final(explanation.error(call, error, code, effort))
            }
        }
    }

    private func logURL(
        _ pod: String,
        _ container: String,
        _ options: PodLogOptions
    ) -> ClusterURL {
        func flag(_ isSet: Bool) -> String? { isSet ? "true" : nil }
        return ClusterURL(.pods, namespace: namespace, name: pod, subresource: "log")
            .with("container", container)
            .with("follow", flag(options.follow))
            .with("previous", flag(options.previous))
            .with("sinceTime", options.sinceTime)
            .with("timestamps", flag(options.timestamps))
            .with("limitBytes", options.limitBytes.map(String.init))
            .with("tailLines", options.tailLines.map(String.init))
    }
}
