// SPDX-License-Identifier: Apache-2.0

/// Decides, from one sighting after the other and the time, what to do about a try. It does no I/O.
struct TryJudge {
    /// How long a try may wait for what may never come, in seconds; nil for ever.
    struct Limits: Sendable, Equatable {
        var schedule: Double?
        var image: Double?
        var container: Double?
    }

    enum Decision: Equatable {
        /// Nothing to do but to wait.
        case goOn
        /// It waits for this now.
        case tellWaiting(String)
        /// The tool runs now.
        case tellRunning(String)
        /// The Job is not in the view: the server must be asked.
        case confirm
        /// - Parameter isOver: whether nothing of the try runs any more.
        case end(TryEnd, isOver: Bool)
    }

    /// How long a view that lacks a pod or Job may simply be late, in seconds.
    private static let lateness = 5.0
    /// How long pods may be there without their Job before the server is asked about it, in seconds.
    private static let orphanPatience = 90.0

    let limits: Limits
    private var last = ""
    private var since = 0.0
    /// Since when the view has lacked the Job.
    private var orphanedSince: Double?
    private var isRunning = false
    private var told: String?
    /// What was last said of the image that does not come. Between two attempts servers before 1.29 do
    /// not say it.
    private var imageCause: String?

    init(_ limits: Limits) { self.limits = limits }

    /// - Parameters:
    ///   - isComplete: whether the sighting comes of a view that lacks nothing.
    ///   - hasJob: whether that view has the try's Job.
    ///   - now: seconds of a clock that never goes back.
    mutating func callAsFunction(
        _ sighting: TrySighting,
        isComplete: Bool,
        hasJob: Bool = true,
        now: Double
    ) -> Decision {
        let decision = decide(sighting, isComplete: isComplete, now: now)
        guard isComplete, !hasJob else {
            orphanedSince = nil
            return decision
        }
        let orphaned = now - (orphanedSince ?? now)
        orphanedSince = orphanedSince ?? now
        // Pods that go on without their Job are nobody's: nothing ends them, nothing counts them.
        guard decision == .goOn, sighting.isUnderWay, orphaned >= Self.orphanPatience else {
            return decision
        }
        return .confirm
    }

    private mutating func decide(
        _ sighting: TrySighting,
        isComplete: Bool,
        now: Double
    ) -> Decision {
        let waited = elapsed(in: sighting, now)
        switch sighting {
        case .unknown:
            return isComplete && waited >= Self.lateness ? .confirm : .goOn
        case .waiting(let wait):
            imageCause = wait.kind == .image ? wait.cause ?? imageCause : nil
            if let end = end(of: wait, after: waited) { return .end(end, isOver: false) }
            guard told != wait.text, waited >= Self.silence(of: wait.kind) else { return .goOn }
            told = wait.text
            isRunning = false
            return .tellWaiting(wait.text)
        case .running(let node):
            if isRunning { return .goOn }
            isRunning = true
            // A pod that takes this one's place may wait for the same.
            told = nil
            return .tellRunning(node)
        case .stuck(let end, let seconds):
            return waited >= Double(seconds) ? .end(end, isOver: false) : .goOn
        case .ended(let end):
            if isUncertain(end), waited < Self.lateness { return .goOn }
            return .end(end, isOver: true)
        }
    }

    /// Who ended a pod, its Job's deadline or somebody else, is said of the Job, and that may come
    /// later than what is said of the pod; so may a pod that takes this one's place.
    private func isUncertain(_ end: TryEnd) -> Bool {
        switch end {
        case .gone, .killed: true
        default: false
        }
    }

    /// How long a wait may last before it is worth a word, in seconds.
    private static func silence(of kind: PodWait.Kind) -> Double {
        switch kind {
        case .ordinary: 0
        case .control: 10
        case .schedule, .image, .container: 1
        }
    }

    /// The server says that the Job is there after all.
    mutating func deny(now: Double) {
        since = now
        orphanedSince = nil
    }

    private func end(
        of wait: PodWait,
        after waited: Double
    ) -> TryEnd? {
        if wait.isHopeless { return .impossible(wait.text) }
        let limit: Double?
        switch wait.kind {
        case .schedule: limit = limits.schedule
        case .image: limit = limits.image
        case .container: limit = limits.container
        case .control, .ordinary: limit = nil
        }
        guard let limit, waited >= limit else { return nil }
        var text = "\(wait.text) (for \(DurationText.text(Int64(limit))))"
        if let imageCause, !wait.text.contains(imageCause) { text += ". \(imageCause)" }
        guard wait.kind == .schedule else { return .impossible(text) }
        // A bigger or another destination may have a node for it.
        return .walltime("\(text). \(LimitAdvice.room)")
    }

    /// For how long it has been this kind of sighting.
    private mutating func elapsed(
        in sighting: TrySighting,
        _ now: Double
    ) -> Double {
        let kind =
            switch sighting {
            case .unknown: "unknown"
            case .waiting(let wait): "waiting \(wait.kind)"
            case .running: "running"
            case .stuck(let end, _): "stuck \(end)"
            case .ended: "ended"
            }
        if kind != last {
            last = kind
            since = now
        }
        return now - since
    }
}
