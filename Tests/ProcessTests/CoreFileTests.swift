// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// T17: programs that have keys in their memory leave no core file, whatever the machine's limits say.
@Suite(.processes, .enabled(if: !TestServer.isOff && CorePattern.isAName))
struct CoreFileTests {
    /// Runs a program in a directory where a core file would be.
    private func wrapper(_ lab: Lab) throws -> [String] {
        let place = "\(lab.folder)/core"
        try Shell.run("mkdir -p \(place); chmod 777 \(place)")
        let script = #"cd \#(place); ulimit -c unlimited; exec "$@""#
        // Whoever runs the tests may not want to be aborted.
        return ["/usr/bin/env", "--default-signal=ABRT", "/bin/bash", "-c", script, "bash"]
    }

    private func files(_ lab: Lab) throws -> String {
        try Shell.run("ls \(lab.folder)/core; find \(lab.folder)/state -name 'core*'")
    }

    @Test("others do, or this would be no test") func aProgramThatIsNotOurs() async throws {
        try await Lab.run { lab in
            let words = try wrapper(lab) + ["/bin/bash", "-c", "kill -ABRT $$"]
            let program = try RunningProgram(
                words,
                environment: lab.environment,
                streams: "\(lab.folder)/streams/other"
            )
            #expect(try await program.ending().status == 128 + SIGABRT)
            #expect(try files(lab).contains("core"))
        }
    }

    @Test func aHeadAndItsSupervisor() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start(
                "run",
                job,
                ["--json"],
                // A toolchain's runtime catches the signal, and goes on when it has told of it.
                environment: ["SWIFT_BACKTRACE": "enable=no"],
                through: wrapper(lab)
            )
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            // The worker's own directory is the sandbox's.
            for pid in [try await lab.worker()] + (try lab.processes("local-supervisor")) {
                let limits = Shell.text("/proc/\(pid)/limits").split(separator: "\n")
                let core = try #require(limits.first { $0.hasPrefix("Max core file size") })
                #expect(core.split(separator: " ").filter { $0 == "0" }.count == 2, "\(core)")
            }
            head.send(SIGABRT)
            let ending = try await head.ending()
            #expect(ending.status == 128 + SIGABRT, "\(ending.status) \(ending.errors)")
            #expect(try files(lab) == "")
        }
    }

    @Test func aWorker() async throws {
        try await FaultyStore.run { store in
            let lab = store.lab
            try store.rules(#"[{"operation": "GetObject", "delay": 600}]"#)
            let place =
                #"{"addressing":"path","allow_http":true,"bucket":"\#(lab.server.bucket)","#
                + #""checksums":"when_supported","endpoint":"\#(lab.server.endpoint)","#
                + #""region":"us-east-1"}"#
            let spec = "\(lab.prefix)/jobs/lab/1-0123456789abcdef/spec.json"
            let worker = try RunningProgram(
                wrapper(lab) + [
                    lab.programs.worker, "fetch", "--state", "\(lab.folder)/state",
                    "--storage", place, "--spec", spec,
                    "--spec-sha256", String(repeating: "0", count: 64), "--pod", "core",
                ],
                environment: lab.environment,
                streams: "\(lab.folder)/streams/worker"
            )
            try await Patience.long.wait("a request") {
                try worker.hasEnded || !store.requests().isEmpty
            }
            worker.send(SIGABRT)
            let ending = try await worker.ending()
            #expect(ending.status == 128 + SIGABRT, "\(ending.errors)")
            #expect(try files(lab) == "")
        }
    }
}

private enum CorePattern {
    /// Whether a program that is aborted leaves a file where it runs, and not with another program.
    static var isAName: Bool {
        let pattern = Shell.text("/proc/sys/kernel/core_pattern")
        return !pattern.hasPrefix("|") && !pattern.contains("/")
    }
}
