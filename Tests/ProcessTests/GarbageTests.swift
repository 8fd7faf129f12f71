// SPDX-License-Identifier: Apache-2.0

import S3Client
import TestSupport
import Testing

/// `gc` as an administrator runs it, on what real jobs have left.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct GarbageTests {
    private func job(_ lab: Lab, _ number: Int) throws -> GalaxyJob {
        let tool = #"md5sum < "$IN1" > "$OUT""#
        return try GalaxyJob(id: "\(number)", folder: "\(lab.folder)/job-\(number)", tool: tool)
    }

    private func free(_ lab: Lab, _ options: [String]) async throws -> RunningProgram.Ending {
        let program = try RunningProgram(
            [lab.programs.headNode, "gc"] + lab.settings + options,
            environment: lab.environment,
            streams: "\(lab.folder)/streams/gc-\(Lab.serial.next())"
        )
        return try await program.ending()
    }

    @Test func whatIsYoungIsKeptAndJobsGoOn() async throws {
        try await Lab.run { lab in
            let first = try job(lab, 1)
            #expect(try await lab.head("run", first).status == 0)
            try Shell.run("rm -rf \(first.directory)")
            let before = try await lab.keys()
            for options in [
                [], ["--grace", "1d", "--json"], ["--delete"], ["--delete", "--grace", "24h"],
            ] {
                let ending = try await free(lab, options)
                #expect(ending.status == 0, "\(ending.errors)")
                #expect(ending.output.contains("kept"))
                #expect(try await lab.keys() == before)
            }
            #expect(try await lab.head("run", job(lab, 2)).status == 0)
        }
    }

    @Test(arguments: ["23h", "0s", "-1d", "soon", "7"])
    func aGracePeriodThatIsTooShortIsRefused(_ grace: String) async throws {
        try await Lab.run { lab in
            let ending = try await free(lab, ["--delete", "--grace=\(grace)"])
            #expect(ending.status == 64)
            #expect(ending.errors.contains("--grace takes a time of at least 1d"))
        }
    }

    @Test func onlyOneFreesAtATime() async throws {
        try await Lab.run { lab in
            let key = "\(lab.prefix)/gc/lab"
            let file = "\(lab.folder)/lock"
            try Shell.run("echo busy > \(file)")
            let copy = try RunningProgram(
                [lab.programs.headNode, "s3", "cp", file, "s3://\(lab.server.bucket)/\(key)"]
                    + lab.settings,
                environment: lab.environment,
                streams: "\(lab.folder)/streams/cp"
            )
            #expect(try await copy.ending().status == 0)
            let busy = try await free(lab, ["--delete"])
            #expect(busy.status == 75)
            #expect(busy.errors.contains("Somebody else frees space"))
            #expect(try await free(lab, []).status == 0, "looking needs no lock")
            #expect(try await lab.keys("/gc/") == [key])
        }
    }
}
