// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names
import S3Client
import TestSupport
import Testing

/// A store that says no, goes silent, or goes away, on a server of its own (F68 and F77).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct StoreFaultTests {
    /// One server serves all of these, one after the other.
    @Test func aStoreThatDeniesAndFallsSilent() async throws {
        try await OwnServer.run { own in
            try await Lab.run(on: own.server) { lab in try await deniedOnTheHead(lab, own) }
            try await Lab.run(on: own.server) { lab in try await deniedInTheWorker(lab, own) }
            try await Lab.run(on: own.server) { lab in try await silentDuringThePush(lab, own) }
        }
    }

    private func keys(of reader: Credentials) -> [String: String] {
        [
            "AWS_ACCESS_KEY_ID": reader.accessKeyID,
            "AWS_SECRET_ACCESS_KEY": reader.secretKey.reveal(),
        ]
    }

    private func deniedOnTheHead(
        _ lab: Lab,
        _ own: OwnServer
    ) async throws {
        let job = try GalaxyJob(folder: lab.folder, tool: "echo done > $OUT")
        let ending = try await lab.head("run", job, environment: keys(of: own.reader))
        #expect(ending.status == 77, "\(ending.errors)")
        for word in ["AccessDenied", "s3:PutObject", lab.prefix] {
            #expect(ending.errors.contains(word), "\(word): \(ending.errors)")
        }
        #expect(try await lab.keys() == [])
        #expect(try await lab.head("run", job).status == 0, "with rights it goes on")
    }

    /// The worker's keys are the head's that submits: it stages with all rights and submits with few.
    private func deniedInTheWorker(
        _ lab: Lab,
        _ own: OwnServer
    ) async throws {
        let job = try GalaxyJob.gated(lab)
        let head = try lab.start("run", job, ["--json"])
        let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
        let poor = try await HandMadeTry(lab, job)
        let ending = try await poor.start(environment: keys(of: own.reader)).ending()
        #expect(ending.status == 77, "\(ending.errors)")
        #expect(ending.errors.contains("s3:PutObject"), "\(ending.errors)")
        #expect(ending.errors.contains("attempts/"), "the key is named: \(ending.errors)")
        try GalaxyJob.release(volume, "go")
        #expect(try await head.ending().status == 0)
    }

    private func silentDuringThePush(
        _ lab: Lab,
        _ own: OwnServer
    ) async throws {
        let job = try GalaxyJob.gated(lab, rest: "head -c 30000000 /dev/urandom | tee big | md5sum")
        let head = try lab.start("run", job, ["--json"])
        let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
        try GalaxyJob.release(volume, "go")
        try await Patience.long.wait("the push") { head.output.contains(#""phase":"push""#) }
        try await own.freeze(for: .seconds(5))
        let answer = try RunAnswer(try await head.ending())
        #expect(answer.ending?.state == "ok", "\(answer.ending?.message ?? "")")
        #expect(answer.failedTries == [])
        let sum = try Shell.run("md5sum < \(job.working)/big")
        #expect(Shell.text("\(job.outputs)/tool_stdout") == "waiting\n" + sum)
    }
}
