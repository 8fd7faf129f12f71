// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Kubernetes
import S3Client
import Staging

/// Why the head could not do what was asked, with the exit status that says so.
struct HeadError: ExplainedError {
    enum Code: String, Sendable, CaseIterable {
        /// The job description cannot be used.
        case description
        /// A file the job needs is missing, unreadable, changing or not what it should be.
        case input
        /// The bucket did not do its part.
        case store
        /// What the bucket holds is not what was stored there.
        case damaged
        /// This machine did not: disk, permissions, namespaces.
        case machine
        /// The executor could not run a try.
        case executor
        /// The run came to nothing for good.
        case failed
        /// The run was cancelled.
        case cancelled
        /// Another head has the run.
        case busy
        /// A run goes on that does not belong to this description or configuration.
        case otherRun = "other-run"
        /// There is no such run.
        case noRun = "no-run"
        /// Told to stop; the run itself goes on.
        case interrupted
    }

    let code: Code
    let what: String
    let place: String
    let remedy: String
    let cause: (any Error)?

    init(
        _ code: Code,
        what: String,
        place: String = "",
        remedy: String = "",
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.what = what
        self.place = place
        self.remedy = remedy
        self.cause = cause
    }

    var codeName: String { code.rawValue }

    var isRetryable: Bool { (cause as? any ExplainedError)?.isRetryable ?? false }

    /// Whether the cluster has refused what was asked, and can have done nothing of it.
    var isRefusal: Bool {
        guard let error = cause as? KubernetesError else { return false }
        return !error.isAmbiguous && error.code != .cancelled
    }

    /// As sysexits.h has it, where one fits.
    var exitStatus: Int32 {
        switch code {
        case .description: 65
        case .input: 66
        case .store: storeStatus
        case .damaged: 69
        case .machine: 71
        case .executor: clusterStatus
        case .failed, .cancelled: 1
        case .busy, .otherRun: 75
        case .noRun: 66
        case .interrupted: 130
        }
    }

    /// The store's own reason decides: who may not is not helped by a bucket that can be reached.
    private var storeStatus: Int32 {
        for error in sequence(
            first: self as any Error,
            next: { ($0 as? any ExplainedError)?.cause }
        ) {
            guard let error = error as? S3Error else { continue }
            switch error.code {
            case .accessDenied, .noCredentials, .configuration, .untrusted: return error.exitStatus
            default: return 69
            }
        }
        return 69
    }

    /// A cluster that denies access, or that we do not know how to reach, is told apart.
    private var clusterStatus: Int32 {
        guard let error = cause as? KubernetesError else { return 71 }
        switch error.code {
        case .forbidden, .unauthenticated, .untrusted: return 77
        case .configuration: return 78
        default: return 71
        }
    }

    /// What the cluster could not do while `action` was under way.
    init(_ error: KubernetesError, doing action: String) {
        self.init(error.code == .cancelled ? .interrupted : .executor, what: action, cause: error)
    }

    /// What staging could not do while `action` was under way.
    init(_ error: StagingError, doing action: String) {
        let code: Code =
            switch error.code {
            case .missing, .unreadable, .changed, .refused: .input
            case .mismatch, .lost, .store: .store
            case .diskFull, .io: .machine
            case .document: .damaged
            case .job: .description
            case .cancelled: .interrupted
            }
        self.init(code, what: action, cause: error)
    }

    /// What the store could not do while `action` was under way.
    init(_ error: S3Error, doing action: String) {
        self.init(error.code == .cancelled ? .interrupted : .store, what: action, cause: error)
    }
}

/// Runs `body` and says what was being done when staging failed.
func staging<Value>(
    _ action: String,
    _ body: () async throws(StagingError) -> Value
) async throws(HeadError) -> Value {
    do throws(StagingError) {
        return try await body()
    } catch {
        throw HeadError(error, doing: action)
    }
}

/// Runs `body` and says what was being done when the store failed.
func storing<Value>(
    _ action: String,
    _ body: () async throws(S3Error) -> Value
) async throws(HeadError) -> Value {
    do throws(S3Error) {
        return try await body()
    } catch {
        throw HeadError(error, doing: action)
    }
}
