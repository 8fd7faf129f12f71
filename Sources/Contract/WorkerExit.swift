// SPDX-License-Identifier: Apache-2.0

/// The worker's own verdict, as its exit status (sysexits.h where one fits).
///
/// The tool's exit code is in the report only: a tool that fails is a committed attempt.
package enum WorkerExit: Int32, Sendable, CaseIterable {
    /// A result exists: this attempt's, or another's.
    case committed = 0
    /// Wrong usage, spec version or spec digest. Permanent.
    case usage = 64
    /// An input has another size or digest than promised, or is missing.
    case input = 65
    /// The tool ran, but its results could not be stored in the time allowed. A new try may.
    case notStored = 66
    /// The bucket could not be reached before the tool ran. A new try may.
    case unreachable = 69
    /// A bug of the worker's. Permanent.
    case bug = 70
    /// Disk full or an I/O error in the pod.
    case io = 74
    /// Told to stop: eviction, spot reclaim, drain. A disruption.
    case stopped = 75
    /// Access denied. Permanent.
    case denied = 77
}
