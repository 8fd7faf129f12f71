// SPDX-License-Identifier: Apache-2.0

import Contract
import S3Client
import Staging
import Testing
import Transport

@testable import WorkerExec

struct WorkerFailureTests {
    @Test(arguments: [
        (StagingError.Code.lost, WorkerExit.input, WorkerExit.notStored),
        (.mismatch, .input, .notStored),
        (.document, .usage, .io),
        (.refused, .usage, .io),
        (.diskFull, .io, .io),
        (.io, .io, .io),
        (.unreadable, .io, .io),
        (.cancelled, .stopped, .stopped),
    ])
    func filesDecide(_ code: StagingError.Code, _ before: WorkerExit, _ after: WorkerExit) {
        let error = StagingError(code, what: "it")
        #expect(WorkerFailure(error, toolRan: false).exit == before)
        #expect(WorkerFailure(error, toolRan: true).exit == after)
    }

    @Test(arguments: [
        (S3Error.Code.accessDenied, WorkerExit.denied, WorkerExit.denied),
        (.noCredentials, .denied, .denied),
        (.unreachable, .unreachable, .notStored),
        (.unavailable, .unreachable, .notStored),
        (.badAnswer, .unreachable, .notStored),
        (.noSuchBucket, .usage, .notStored),
        (.noSuchKey, .input, .notStored),
        (.corrupted, .input, .notStored),
        (.cancelled, .stopped, .stopped),
    ])
    func theStoreDecides(_ code: S3Error.Code, _ before: WorkerExit, _ after: WorkerExit) {
        let error = S3Error(code, what: "it")
        #expect(WorkerFailure(error, doing: "do it", toolRan: false).exit == before)
        #expect(WorkerFailure(error, doing: "do it", toolRan: true).exit == after)
    }

    @Test(arguments: [false, true])
    func aFullDiskBelowTheStoreIsADisk(_ toolRan: Bool) {
        let file = FileFailure("write", "/data/1.dat", 28)
        let transport = TransportError(.bodySink, what: "it cannot be taken", cause: file)
        let error = S3Error(.sink, what: "Cannot get k", cause: transport)
        #expect(WorkerFailure(error, doing: "fetch it", toolRan: toolRan).exit == .io)
    }
}
