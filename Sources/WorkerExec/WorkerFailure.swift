// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import S3Client
import Staging

/// Why the worker stops, with the exit status that tells the head what to do.
struct WorkerFailure: Error {
    let exit: WorkerExit
    let message: String

    init(_ exit: WorkerExit, _ message: String) {
        self.exit = exit
        self.message = message
    }

    init(_ exit: WorkerExit, _ error: any ExplainedError) {
        self.exit = exit
        message = error.line
    }

    /// Judges an error of staging.
    ///
    /// - Parameter toolRan: whether results hang on it; then an absent store means "not stored".
    init(_ error: StagingError, toolRan: Bool) {
        exit = Self.exit(for: error, toolRan: toolRan)
        message = error.line
    }

    /// Judges an error of the store.
    init(_ error: S3Error, doing action: String, toolRan: Bool) {
        self.init(.store(action, error), toolRan: toolRan)
    }

    private static func exit(
        for error: StagingError,
        toolRan: Bool
    ) -> WorkerExit {
        switch error.code {
        case .lost, .mismatch: toolRan ? .notStored : .input
        case .missing, .refused, .changed, .job, .document: toolRan ? .io : .usage
        case .diskFull, .io, .unreadable: .io
        case .cancelled: .stopped
        case .store: exit(for: error.cause as? S3Error, toolRan: toolRan)
        }
    }

    private static func exit(
        for error: S3Error?,
        toolRan: Bool
    ) -> WorkerExit {
        switch error?.code {
        case .accessDenied, .noCredentials: .denied
        case .configuration, .noSuchBucket: toolRan ? .notStored : .usage
        case .cancelled: .stopped
        case .none: .bug
        default: toolRan ? .notStored : .unreachable
        }
    }
}
