// SPDX-License-Identifier: Apache-2.0

import Contract
import S3Client
import Staging
import Testing

@testable import WorkerExec

/// What goes wrong, and the exit status that tells the head what to do about it.
@Suite struct WorkerFailureTests {
    @Test(arguments: [
        (StagingError.Code.lost, WorkerExit.input, WorkerExit.notStored),
        (.mismatch, .input, .notStored), (.missing, .usage, .io), (.refused, .usage, .io),
        (.changed, .usage, .io), (.job, .usage, .io), (.document, .usage, .io),
        (.diskFull, .io, .io), (.io, .io, .io), (.unreadable, .io, .io),
        (.cancelled, .stopped, .stopped),
    ])
    func stagingErrors(_ code: StagingError.Code, before: WorkerExit, after: WorkerExit) {
        let error = StagingError(code, what: "what happened")
        #expect(WorkerFailure(error, toolRan: false).exit == before)
        #expect(WorkerFailure(error, toolRan: true).exit == after)
        #expect(WorkerFailure(error, toolRan: true).message.contains("what happened"))
    }

    @Test(arguments: [
        (S3Error.Code.accessDenied, WorkerExit.denied, WorkerExit.denied),
        (.noCredentials, .denied, .denied), (.configuration, .usage, .notStored),
        (.noSuchBucket, .usage, .notStored), (.cancelled, .stopped, .stopped),
        (.noSuchKey, .input, .notStored), (.corrupted, .input, .notStored),
    ])
    func storeErrors(_ code: S3Error.Code, before: WorkerExit, after: WorkerExit) {
        let error = S3Error(code, what: "what the store said")
        #expect(WorkerFailure(error, doing: "fetch", toolRan: false).exit == before)
        #expect(WorkerFailure(error, doing: "push", toolRan: true).exit == after)
    }

    @Test func aStoreErrorWithoutACauseIsOurBug() {
        let error = StagingError(.store, what: "nothing known")
        #expect(WorkerFailure(error, toolRan: false).exit == .bug)
    }
}
