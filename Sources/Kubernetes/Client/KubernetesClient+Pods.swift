// SPDX-License-Identifier: Apache-2.0

extension KubernetesClient {
    /// All Pods that `selector` chooses.
    package func pods(
        _ selector: LabelSelector
    ) async throws(KubernetesError) -> ResourceList<Pod> { throw .unfinished }

    /// The Pod of this name, or nil if the server says that there is none.
    package func pod(_ name: String) async throws(KubernetesError) -> Pod? { throw .unfinished }

    /// What the cluster has to say about an object, oldest first.
    package func events(ofUID uid: String) async throws(KubernetesError) -> [ClusterEvent] {
        throw .unfinished
    }

    /// Streams a container's log, line by line, without line ends.
    ///
    /// It is one request: a log that is cut off is an error, and going on is the caller's affair.
    /// `each` is called on a thread of the transport: it may write to a local disk, and wait for
    /// nothing else. A line is cut at 1 MiB.
    package func podLog(
        _ pod: String,
        container: String,
        _ options: PodLogOptions = PodLogOptions(),
        each: @escaping @Sendable (ArraySlice<UInt8>) -> Void
    ) async throws(KubernetesError) { throw .unfinished }
}

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
