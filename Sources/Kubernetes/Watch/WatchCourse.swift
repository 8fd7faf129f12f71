// SPDX-License-Identifier: Apache-2.0

/// Decides what a watch does next. Pure.
///
/// ```
///          ┌──────── 410, ERROR, nothing came for long, or time to ───────────┐
///  start ─▶ list ──▶ stream from the last version ──▶ it ended, or was cut ───┴─▶ stream …
/// ```
struct WatchCourse: Sendable {
    enum Step: Equatable, Sendable {
        case list
        case stream(version: String)
    }

    /// How a stream ended.
    enum End: Sendable {
        /// As the server was asked to.
        case complete
        /// It was refused, or cut off.
        case failed(KubernetesError)
        /// The server does not remember our version any more.
        case expired
        /// What came cannot be used; where it leads to neither.
        case spoiled(KubernetesError)
    }

    /// A stream and what came of it.
    struct Stream: Sendable {
        var end: End
        /// Whether the server had accepted.
        var hasBegun = false
        /// Events and bookmarks.
        var lines = 0
        var lasted: Duration = .zero
    }

    /// Less than that is no stream: the server has sent us away.
    static let shortest: Duration = .seconds(5)

    private let limits: WatchLimits
    /// Where to go on; nil for a list.
    private(set) var version: String?
    private var listed: Duration = .zero
    /// How old a list may be when nothing has come since.
    private var silentAge: Duration = .zero
    /// In a row; what comes next waits the longer, the more there are.
    private(set) var failures = 0
    /// Whether trouble was told and its end was not.
    private(set) var isBlind = false

    init(_ limits: WatchLimits) { self.limits = limits }

    func next(now: Duration) -> Step {
        guard let version, now - listed < limits.relist else { return .list }
        return .stream(version: version)
    }

    /// How long to wait before the next step.
    func pause(
        after error: KubernetesError?,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        guard failures > 0 else { return .zero }
        return ClusterBackoff.watches.pause(
            retry: failures,
            floor: error?.retryAfter,
            using: &generator
        )
    }

    mutating func hasListed(at version: String, count: Int, now: Duration) {
        // A server that names no version can be listed, not watched.
        self.version = version.isEmpty ? nil : version
        if version.isEmpty { failures += 1 }
        listed = now
        isBlind = false
        // A stream in which nothing comes is either quiet or blind, and servers as old as 1.20 tell
        // neither by a bookmark. A list tells; the more it costs, the rarer it is.
        let pages = max(1, (count + KubernetesClient.pageSize - 1) / KubernetesClient.pageSize)
        silentAge = min(limits.relist, limits.stream * pages)
    }

    /// - Returns: the trouble to tell.
    mutating func listFailed(_ error: KubernetesError) -> KubernetesError {
        failures += 1
        isBlind = true
        return error
    }

    /// The server has accepted a stream.
    ///
    /// - Returns: whether that is the end of trouble.
    mutating func streamBegan() -> Bool {
        defer { isBlind = false }
        return isBlind
    }

    mutating func advance(to version: String) { if !version.isEmpty { self.version = version } }

    /// - Returns: the trouble to tell, if any.
    mutating func ended(_ stream: Stream, now: Duration) -> KubernetesError? {
        if stream.lines > 0 || (stream.hasBegun && stream.lasted >= Self.shortest) { failures = 0 }
        if stream.hasBegun, stream.lines == 0, now - listed >= silentAge { version = nil }
        switch stream.end {
        case .complete:
            if stream.lines == 0, stream.lasted < Self.shortest { failures += 1 }
            return nil
        case .expired:
            failures += 1
            version = nil
            return nil
        case .spoiled(let error):
            failures += 1
            version = nil
            isBlind = true
            return error
        case .failed(let error) where error.code == .expired:
            failures += 1
            version = nil
            return nil
        case .failed(let error):
            failures += 1
            if stream.hasBegun { return nil }
            // A server that refuses to be watched may still be listed; one that is in trouble of its
            // own is spared that.
            if !error.isRetryable { version = nil }
            isBlind = true
            return error
        }
    }
}
