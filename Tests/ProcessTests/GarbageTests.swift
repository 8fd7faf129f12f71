// SPDX-License-Identifier: Apache-2.0

import Glibc
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

    /// The bytes of the one sign there is.
    private func sign(_ lab: Lab) async throws -> String {
        let keys = try await lab.keys("/galaxies/")
        let key = try #require(keys.first)
        #expect(keys.count == 1)
        let file = "\(lab.folder)/sign-\(Lab.serial.next())"
        let copy = try RunningProgram(
            [lab.programs.headNode, "s3", "cp", "s3://\(lab.server.bucket)/\(key)", file]
                + lab.settings,
            environment: lab.environment,
            streams: "\(lab.folder)/streams/cp-\(Lab.serial.next())"
        )
        #expect(try await copy.ending().status == 0)
        return try Shell.run("cat \(file)")
    }

    @Test("what is gone here is not freed while another Galaxy has signed")
    func anotherGalaxy() async throws {
        try await Lab.run { lab in
            let first = try job(lab, 1)
            let (serving, _) = try await Serving.begin(lab)
            try await serving.ask("submit", first)
            try await serving.hearEnd(of: first)
            try await serving.ask("forget", first)
            try await Patience.long.wait("the note that Galaxy has let go of it") {
                access("\(first.directory)/galaxy_s3/forgotten", F_OK) == 0
            }
            try await Patience.long.wait("the sign") {
                try await !lab.keys("/galaxies/").isEmpty
            }
            let signed = try await sign(lab)
            #expect(try await free(lab, ["--delete"]).status == 0)
            // One that begins without a job knows where it signed before.
            serving.hangUp()
            _ = try await serving.program.ending()
            let (next, _) = try await Serving.begin(lab)
            try await Patience.long.wait("the next sign") { try await sign(lab) != signed }
            #expect(try await free(lab, ["--delete"]).status == 0)
            next.hangUp()
            _ = try await next.program.ending()
            // Another machine's disk.
            try Shell.run("mv \(first.folder)/galaxy/jobs/.galaxy-s3-* \(lab.folder)/words")
            for options in [["--delete"], [], ["--adopt"]] {
                let ending = try await free(lab, options + ["--patience", "0"])
                #expect(ending.status == 75)
                #expect(ending.errors.contains("nother Galaxy"))
            }
            #expect(try await free(lab, ["--adopt", "--delete"]).status == 64)
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
