// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import S3Client
import Staging

/// What is done about a run that could not be carried on. Pure, but for the count it keeps.
///
/// | | nothing of it has begun | a try has begun |
/// | --- | --- | --- |
/// | the store or the cluster is away; another head has the run | again, without end | again, without end |
/// | the configuration names another place | again, without end | again, without end |
/// | the disk of this machine is full | it fails | again, without end |
/// | the store does not know us, or its bucket is gone | it fails | again, without end |
/// | the store, the cluster or this machine refuses something else | it fails | again, for an hour or so |
/// | anything else | it fails | it fails |
///
/// Hours of compute may hang on a run that has begun, and its results wait in the bucket.
struct RetryPlan: Sendable {
    enum Step: Sendable, Equatable {
        /// Again after so many seconds, at most.
        case again(seconds: Double)
        case fail
    }

    /// The longest pause where waiting may be all that is needed, in seconds.
    private static let longestPause = 15.0
    /// The longest pause where somebody has to do something, in seconds.
    private static let longestPatientPause = 60.0
    /// How often it is tried again where somebody has to do something.
    private static let mostPatient = 65
    /// Work that went on for so long, in seconds, is a new beginning.
    private static let progress = 300.0

    private var failures = 0
    private var patient = 0
    private var last: [String] = []
    /// Whether the last failure is of another kind than the one before it, or the first for a while.
    private(set) var isNews = false

    /// - Parameters:
    ///   - isUnderWay: whether a try has ever begun; one that the cluster refused has not.
    ///   - seconds: how long the work went on before it failed.
    mutating func next(
        after error: HeadError,
        isUnderWay: Bool,
        lasted seconds: Double
    ) -> Step {
        if seconds > Self.progress {
            failures = 0
            patient = 0
            last = []
        }
        isNews = error.kind != last
        last = error.kind
        failures += 1
        let pause = Double(1 << min(failures - 1, 10))
        if error.isRetryable || error.code == .busy || error.code == .interrupted {
            return .again(seconds: min(pause, Self.longestPause))
        }
        guard isUnderWay else { return .fail }
        if error.isDiskFull || error.isLockedOut {
            return .again(seconds: min(pause, Self.longestPatientPause))
        }
        switch error.code {
        case .store, .machine, .executor, .input:
            patient += 1
            guard patient <= Self.mostPatient else { return .fail }
            return .again(seconds: min(pause, Self.longestPatientPause))
        case .description, .damaged, .failed, .cancelled, .busy, .otherRun, .otherPlace, .noRun,
            .interrupted:
            return .fail
        }
    }
}

extension HeadError {
    /// What two failures have in common that differ in figures alone, such as how much room is left.
    fileprivate var kind: [String] {
        [what]
            + sequence(first: self as any Error) { ($0 as? any ExplainedError)?.cause }
            .compactMap { ($0 as? any ExplainedError)?.codeName }
    }

    /// Whether a disk of this machine is full.
    fileprivate var isDiskFull: Bool { (cause as? StagingError)?.code == .diskFull }

    /// Whether the store takes us for nobody, or has no such bucket: somebody mends that, after the weekend
    /// perhaps, and the results are there until then.
    fileprivate var isLockedOut: Bool {
        switch storeError?.code {
        case .accessDenied, .noCredentials, .untrusted, .clockSkew, .noSuchBucket: true
        default: false
        }
    }
}
