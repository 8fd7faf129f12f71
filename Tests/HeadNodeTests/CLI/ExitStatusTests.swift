// SPDX-License-Identifier: Apache-2.0

import S3Client
import Staging
import Testing
import Transport

@testable import HeadNode

@Suite struct ExitStatusTests {
    @Test(arguments: [
        (S3Error.Code.accessDenied, Int32(77)), (.noCredentials, 77),
        (.configuration, 78), (.untrusted, 78),
        (.unreachable, 69), (.unavailable, 69), (.noSuchBucket, 69), (.corrupted, 69),
        (.badAnswer, 69), (.cancelled, 130),
    ])
    func `A job's verbs say what the store's reason was`(code: S3Error.Code, status: Int32) {
        let error = S3Error(code, what: "it")
        #expect(HeadError(error, doing: "do it").exitStatus == status)
        let staging = StagingError.store("do it", error)
        #expect(HeadError(staging, doing: "do it").exitStatus == status)
    }

    @Test func `A full disk is this machine's trouble`() {
        let file = FileFailure("write", "/data/1.dat", 28)
        let transport = TransportError(.bodySink, what: "it cannot be taken", cause: file)
        let error = S3Error(.sink, what: "Cannot get k", cause: transport)
        let head = HeadError(StagingError.store("collect it", error), doing: "Cannot collect")
        #expect(head.exitStatus == 71)
    }

    @Test(arguments: [
        (HeadError.Code.description, Int32(65)), (.input, 66), (.noRun, 66), (.store, 69),
        (.machine, 71), (.executor, 71), (.busy, 75), (.interrupted, 130), (.failed, 1),
        (.cancelled, 1),
    ])
    func `Each kind of trouble has its status`(code: HeadError.Code, status: Int32) {
        #expect(HeadError(code, what: "it").exitStatus == status)
    }
}
