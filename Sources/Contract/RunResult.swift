// SPDX-License-Identifier: Apache-2.0

import Digests
import Names

/// The one word on how a run ended; whoever stores it first, by a conditional put, decides.
///
/// A worker commits its attempt with it. The head competes for it: cancel, a spent budget or a
/// deadline are written the same way before anything is deleted, so that a worker that comes back
/// later is refused and nothing new becomes visible.
package struct RunResult: VersionedDocument, Equatable {
    package static let currentVersion = 1

    package enum Verdict: Codable, Sendable, Equatable {
        /// This attempt's report counts.
        case committed(attempt: AttemptID, reportSHA256: SHA256Digest)
        /// The head ended the run: nothing of it counts.
        case ended(reason: EndReason, message: String)
    }

    /// Why the head ended a run without a committed attempt.
    package enum EndReason: String, Codable, Sendable, CaseIterable {
        case cancelled
        case outOfMemory
        case walltime
        /// A permanent failure, or no try left.
        case failed
    }

    /// Reports of at most so many bytes travel in the result; a result is read more than once.
    package static let longestReportWithin = 64 << 10

    package var version = RunResult.currentVersion
    package var run: RunID
    package var verdict: Verdict
    /// The report that the verdict names, to the byte, if it is short: then one request commits both,
    /// and it is nowhere else. nil for a long one, which was stored before.
    package var report: ByteString?

    package init(run: RunID, verdict: Verdict, report: ByteString? = nil) {
        self.run = run
        self.verdict = verdict
        self.report = report
    }

    /// Commits `report` for `attempt`; a long one must have been stored.
    package init(run: RunID, attempt: AttemptID, report: [UInt8]) {
        self.init(
            run: run,
            verdict: .committed(attempt: attempt, reportSHA256: SHA256Digest(of: report)),
            report: report.count <= Self.longestReportWithin ? ByteString(report) : nil
        )
    }
}
