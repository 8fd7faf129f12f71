// SPDX-License-Identifier: Apache-2.0

/// Where a run is, as the plugin is told.
enum ServeState: String, Codable, Sendable, CaseIterable {
    /// Its files are on their way to the bucket, or it waits for its turn.
    case staging
    /// A try has been submitted; the tool has not begun.
    case queued
    case running
    /// Its results are on their way back.
    case collecting

    case ok
    case toolFailed = "tool_failed"
    case outOfMemory = "memory_limit_reached"
    case walltime = "walltime_reached"
    case failed
    case cancelled

    /// Whether nothing follows.
    var isFinal: Bool { rank == Self.finalRank }

    /// Whether a run can go from here to `next`: forward, and never out of its end. A second try is
    /// no way back.
    func canBecome(_ next: ServeState) -> Bool { rank < next.rank }

    private static let finalRank = 4

    private var rank: Int {
        switch self {
        case .staging: 0
        case .queued: 1
        case .running: 2
        case .collecting: 3
        case .ok, .toolFailed, .outOfMemory, .walltime, .failed, .cancelled: Self.finalRank
        }
    }

    init(_ state: RunEnding.State) {
        switch state {
        case .ok: self = .ok
        case .toolFailed: self = .toolFailed
        case .outOfMemory: self = .outOfMemory
        case .walltime: self = .walltime
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        }
    }
}
