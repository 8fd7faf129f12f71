// SPDX-License-Identifier: Apache-2.0

/// Knows at any time which objects there are, from a list and what has happened since.
package struct ResourceWatch<Resource: ClusterResource>: Sendable {
    private let client: KubernetesClient
    private let selector: LabelSelector

    package init(
        _ client: KubernetesClient,
        selector: LabelSelector,
        limits: WatchLimits = WatchLimits()
    ) {
        self.client = client
        self.selector = selector
    }

    /// Lists and watches until the task is cancelled, and calls `handle` with one event after the
    /// other. It never gives up: trouble is an event too.
    package func run(_ handle: @Sendable (ResourceEvent<Resource>) async -> Void) async {}
}

/// The times of a watch.
package struct WatchLimits: Sendable, Equatable {
    /// How long the server is asked to keep one stream open. Shortly before its end it sends a
    /// bookmark, so this is also the longest silence of a stream that is well.
    package var stream: Duration = .seconds(45)
    /// How long nothing at all may come before a stream counts as dead.
    package var silence: Duration = .seconds(60)
    /// How often everything is listed although nothing seems to be missing.
    package var relist: Duration = .seconds(600)
    /// The longest line that is read.
    package var lineBytes = 8 << 20

    package init() {}
}
