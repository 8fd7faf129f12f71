// SPDX-License-Identifier: Apache-2.0

import Contract
import S3Client

/// Measures one phase from the moment it is made: time, and requests of the store.
package struct PhaseClock: Sendable {
    private let metrics: S3Metrics
    private let before: S3Metrics.Counts
    private let start: Double

    package init(_ metrics: S3Metrics) {
        self.metrics = metrics
        before = metrics.counts
        start = Clock.monotonicSeconds()
    }

    /// The phase so far, with what `meter` has counted.
    package func report(_ meter: PhaseMeter) -> PhaseReport {
        let now = metrics.counts
        let reading = meter.reading
        return PhaseReport(
            name: meter.phase,
            seconds: Clock.monotonicSeconds() - start,
            bytes: reading.bytes,
            files: reading.files,
            packed: reading.packed,
            requests: now.allRequests - before.allRequests,
            retries: now.retries - before.retries,
            cachedFiles: reading.cachedFiles == 0 ? nil : reading.cachedFiles,
            cachedBytes: reading.cachedBytes == 0 ? nil : reading.cachedBytes
        )
    }
}
