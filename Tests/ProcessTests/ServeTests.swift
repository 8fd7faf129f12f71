// SPDX-License-Identifier: Apache-2.0

import Glibc
import S3Client
import TestSupport
import Testing

/// `serve` with a real store and real tools: many runs at once, killed and begun again.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct ServeTests {
    private func job(
        _ lab: Lab,
        _ number: Int,
        tool: String = #"sleep 0.2; md5sum < "$IN1" > "$OUT"; echo $JOB"#
    ) throws -> GalaxyJob {
        try GalaxyJob(id: "\(number)", folder: "\(lab.folder)/job-\(number)", tool: tool)
    }

    /// A tool that waits until it is let go.
    private func gated(_ lab: Lab, _ number: Int) throws -> GalaxyJob {
        let tool = """
            echo waiting; touch "$TMPDIR/runs"; echo once > "$JOB/mark.$$.$RANDOM"
            while [ ! -e "$TMPDIR/go" ]; do sleep 0.05; done
            cat "$TMPDIR/go" > "$OUT"
            """
        return try job(lab, number, tool: tool)
    }

    private func expectResult(of job: GalaxyJob) throws {
        #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
        #expect(Shell.text("\(job.outputs)/tool_stdout") == job.directory + "\n")
        #expect(Shell.text(job.exitCodeFile) == "0\n")
    }

    @Test func twentyJobsAtOnce() async throws {
        try await Lab.run { lab in
            let jobs = try (1...20).map { try job(lab, $0) }
            let (serving, hello) = try await Serving.begin(
                lab,
                ["--set", "staging.jobs=3", "--metrics", "127.0.0.1:0"]
            )
            let destination = #","destination":{"name":"local \"1\"","params":{"retries":2}}"#
            for job in jobs { serving.send("submit", job, destination) }
            for job in jobs {
                let end = try await serving.hearEnd(of: job)
                #expect(end.state == "ok", "\(job.id): \(end.message ?? "")")
                #expect(end.exit_code == 0)
                let phases = end.metrics?.phases.keys.sorted()
                #expect(phases == ["collect", "fetch", "push", "stage", "tool"])
                #expect(end.metrics?.tries == 1)
                try expectResult(of: job)
                let states = try serving.states(of: job)
                #expect(states == ["staging", "queued", "running", "collecting", "ok"])
            }
            let said = try serving.said
            #expect(Set(said.compactMap(\.result?.run)).count == 20)
            for job in jobs {
                let events = said.filter { $0.event == "state" && $0.job == job.description }
                #expect(events.compactMap(\.seq) == Array(1...5))
            }
            let address = try #require(hello.result?.metrics)
            let page = try Shell.run("curl -sS --fail http://\(address)/metrics")
            for line in [
                #"galaxy_s3_executor_runs{destination="local \"1\"",state="ok"} 20"#,
                #"galaxy_s3_executor_runs_ended_total{destination="local \"1\"",outcome="ok"} 20"#,
                #"galaxy_s3_executor_waiting_cpu_cores{destination="local \"1\""} 0"#,
                #"galaxy_s3_executor_phase_seconds_count{phase="tool"} 20"#,
            ] {
                #expect(page.contains(line + "\n"), "\(line) in \(page)")
            }
            #expect(try Shell.run("curl -sS --fail http://\(address)/healthz") == "ok\n")
            for job in jobs { #expect(try await serving.ask("forget", job).error == nil) }
            #expect(try await serving.ask("status").result?.jobs == [:])
            try await serving.ask("shutdown")
            #expect(try await serving.program.ending().status == 0)
            #expect(try Shell.run("ls \(lab.folder)/state/tries") == "")
        }
    }

    /// The new program takes over when Galaxy starts it; until then the old one does its work.
    @Test func anUpgradeUnderARunningHeadStopsNoJob() async throws {
        try await Lab.run { lab in
            let installed = "\(lab.folder)/installed-head-node"
            let upgrade = """
                cp '\(lab.programs.headNode)' \(installed).new
                mv \(installed).new \(installed)
                """
            try Shell.run(upgrade)
            let (serving, _) = try await Serving.begin(lab, headNode: installed)
            try Shell.run(upgrade)
            let job = try job(lab, 1)
            serving.send("submit", job)
            #expect(try await serving.hearEnd(of: job).state == "ok")
            try expectResult(of: job)
        }
    }

    /// Invariant 6, for many at once.
    @Test func killedAgainAndAgainEveryJobEndsAsWithout() async throws {
        try await Lab.run { lab in
            let tool =
                #"echo $RANDOM.$$ > "$JOB/mark.$$.$RANDOM"; sleep 1; md5sum < "$IN1" > "$OUT""#
            let jobs = try (1...8).map { try job(lab, $0, tool: tool + "; echo $JOB") }
            var runs: [String: String] = [:]
            for milliseconds in [300, 1200, 2500] {
                let (serving, _) = try await Serving.begin(lab, ["--set", "staging.jobs=2"])
                for job in jobs {
                    let known = runs[job.id].map { #","run":"\#($0)""# } ?? ""
                    let run = try await serving.ask("submit", job, known).result?.run
                    #expect(runs[job.id] == nil || runs[job.id] == run)
                    runs[job.id] = run
                }
                try await Task.sleep(for: .milliseconds(milliseconds))
                serving.program.send(SIGKILL)
                _ = try await serving.program.ending()
            }
            let (last, _) = try await Serving.begin(lab)
            for job in jobs { last.send("submit", job) }
            for job in jobs {
                let end = try await last.hearEnd(of: job)
                #expect(end.state == "ok", "\(job.id): \(end.message ?? "")")
                #expect(end.run == runs[job.id])
                try expectResult(of: job)
                let marks = try Shell.run("ls \(job.directory) | grep -c ^mark")
                #expect(marks == "1\n", "results of one try only")
            }
            #expect(try lab.processes("/galaxy-s3/galaxy-worker-exec") == [])
        }
    }

    @Test func aSecondServerOfTheSameNameIsRefused() async throws {
        try await Lab.run { lab in
            let (first, hello) = try await Serving.begin(lab)
            let second = try Serving(lab, ["--patience", "0"])
            let refused = try await second.greet()
            #expect(refused.error?.code == "busy")
            let pid = try #require(hello.result?.pid)
            #expect(refused.error?.message.contains("process \(pid)") == true)
            #expect(try await second.program.ending().status == 75)
            let other = try Serving(lab)
            #expect(try await other.greet("main.job-handlers.1").result != nil)
            // One that waits is served as soon as the first has ended.
            let third = try Serving(lab)
            let id = third.send("hello", #"{"protocol":1,"server_name":"main","plugin":""}"#)
            first.program.send(SIGKILL)
            #expect(try await third.answer(to: id).result != nil)
        }
    }

    @Test func aWrongProtocolIsNamedAndEndsIt() async throws {
        try await Lab.run { lab in
            let serving = try Serving(lab)
            let answer = try await serving.ask(
                "hello",
                #"{"protocol":2,"server_name":"main","plugin":""}"#
            )
            #expect(answer.error?.code == "protocol")
            #expect(try await serving.program.ending().status == 76)
        }
    }

    /// Invariant 5.
    @Test func cancelledRunsEndAndLeaveNothing() async throws {
        try await Lab.run { lab in
            let running = try gated(lab, 1)
            let others = try (2...5).map { try gated(lab, $0) }
            let (serving, _) = try await Serving.begin(lab, ["--set", "staging.jobs=1"])
            try await serving.ask("submit", running)
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: running) }
            try Shell.run("echo early > \(volume)/outputs/dataset_3.dat")
            for other in others { serving.send("submit", other) }
            // At once: some are in line, some are being staged, some may run.
            for other in others { serving.send("cancel", other) }
            let answer = try await serving.ask("cancel", running)
            #expect(answer.result?.state == "cancelled")
            for job in others + [running] {
                let end = try await serving.hearEnd(of: job)
                #expect(end.state == "cancelled", "\(end.message ?? "")")
                #expect(Shell.text(job.output) == "")
                #expect(Shell.text(job.exitCodeFile) == "")
            }
            #expect(try lab.processes("/galaxy-s3/galaxy-worker-exec") == [])
            #expect(try Shell.run("ls \(lab.folder)/state/tries") == "")
            // The plain verbs see the same.
            let status = try await lab.head("status", running)
            #expect(status.output.contains("cancelled"), "\(status.output)")
            // Twice changes nothing; a job that ended is forgotten.
            #expect(try await serving.ask("cancel", running).result?.state == "cancelled")
            #expect(try await serving.ask("forget", running).error == nil)
            // Cancelled here although it was not submitted here.
            #expect(try await serving.ask("cancel", running).result?.state == "cancelled")
        }
    }

    /// The job directory may go as soon as a user has deleted a job.
    @Test func aRunIsCancelledWhoseJobDirectoryIsGone() async throws {
        try await Lab.run { lab in
            let job = try gated(lab, 1)
            let (serving, _) = try await Serving.begin(lab)
            try await serving.ask("submit", job)
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            try await serving.hear(job, "running")
            try Shell.run("rm -rf \(job.directory) \(job.description)")
            #expect(try await serving.ask("cancel", job).result?.state == "cancelled")
            #expect(try lab.processes("/galaxy-s3/galaxy-worker-exec") == [])
            #expect(try await lab.keys("result.json").count == 1)
        }
    }

    @Test func anotherRunOfAJobTakesThePlaceOfOneThatGoesOn() async throws {
        try await Lab.run { lab in
            let job = try gated(lab, 1)
            let (first, _) = try await Serving.begin(lab)
            try await first.ask("submit", job, #","run":"1-00000000000000aa""#)
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            first.hangUp()
            _ = try await first.program.ending()
            // Galaxy has lost the external id, and begins the job anew.
            try job.write(description: job.json + "\n")
            let (second, _) = try await Serving.begin(lab)
            let old = try await second.ask("submit", job, #","run":"1-00000000000000aa""#)
            #expect(old.error?.code == "other-run")
            let new = try await second.ask("submit", job, #","run":"1-00000000000000bb""#)
            #expect(new.result?.run == "1-00000000000000bb", "\(new.error?.message ?? "")")
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            #expect(volume.contains("00000000000000bb"))
            try GalaxyJob.release(volume, "new")
            #expect(try await second.hearEnd(of: job).state == "ok")
            #expect(Shell.text(job.output) == "new\n")
            #expect(try Shell.run("ls \(lab.folder)/state/tries") == "")
        }
    }

    @Test func oneRunsTroubleIsNobodyElses() async throws {
        try await Lab.run { lab in
            let bad = try job(lab, 1)
            unlink(bad.largeInput)
            let broken = try job(lab, 2)
            try broken.write(description: "{")
            let failing = try job(lab, 3, tool: "echo no > $OUT; exit 3")
            let good = try job(lab, 4)
            let (serving, _) = try await Serving.begin(lab)
            serving.say("no JSON")
            serving.say(String(repeating: "x", count: 3 << 20))
            serving.send("submit", bad)
            let refused = try await serving.ask("submit", broken)
            #expect(refused.error?.code == "description")
            serving.send("submit", failing)
            let destination =
                #","destination":{"name":"k","params":{"s3.bucket":"b","limits.grace":"x"}}"#
            let misled = try await serving.ask("submit", good, destination)
            #expect(misled.error?.code == "configuration")
            #expect(misled.error?.message.contains("destination k, parameter s3.bucket") == true)
            try await serving.ask("submit", good)
            #expect(try await serving.hearEnd(of: good).state == "ok")
            try expectResult(of: good)
            let failed = try await serving.hearEnd(of: bad)
            #expect(failed.state == "failed")
            #expect(failed.message?.contains(bad.largeInput) == true, "\(failed.message ?? "")")
            let ended = try await serving.hearEnd(of: failing)
            #expect(ended.state == "tool_failed")
            #expect(ended.exit_code == 3)
            #expect(Shell.text(failing.output) == "no\n")
            #expect(try serving.said.filter { $0.event == "error" }.count == 2)
        }
    }

    @Test func aBucketThatIsAwayFailsNoJob() async throws {
        try await OwnServer.run { own in
            try await Lab.run(on: own.server) { lab in
                let job = try job(lab, 1)
                let (serving, _) = try await Serving.begin(lab)
                try own.send("STOP")
                try await serving.ask("submit", job)
                try await Task.sleep(for: .seconds(3))
                #expect(try serving.states(of: job).allSatisfy { $0 == "staging" })
                try own.send("CONT")
                let end = try await serving.hearEnd(of: job)
                #expect(end.state == "ok", "\(end.message ?? "")")
                try expectResult(of: job)
            }
        }
    }

    @Test func metricsAreToldOnAUnixSocket() async throws {
        try await Lab.run { lab in
            let path = "\(lab.folder)/metrics-{server}.sock"
            let (serving, hello) = try await Serving.begin(lab, ["--metrics", "unix:\(path)"])
            let socket = "\(lab.folder)/metrics-main.sock"
            #expect(hello.result?.metrics == "unix:\(socket)")
            #expect(try Shell.run("stat -c %a \(socket)") == "600\n")
            let curl =
                "curl -sS --unix-socket \(socket) -o /dev/null -w '%{http_code} %{content_type}'"
            let answers = [
                ("http://l/metrics", "200 text/plain; version=0.0.4; charset=utf-8"),
                ("http://l/", "404 text/plain; charset=utf-8"),
                ("-d x http://l/metrics", "405 text/plain; charset=utf-8"),
            ]
            for (words, answer) in answers { #expect(try Shell.run("\(curl) \(words)") == answer) }
            serving.program.send(SIGTERM)
            #expect(try await serving.program.ending().status == 0)
            #expect(access(socket, F_OK) != 0)
        }
    }

    @Test func itEndsWhenNobodyReads() async throws {
        try await Lab.run { lab in
            let settings = lab.settings.map { "'\($0)'" }.joined(separator: " ")
            let hello =
                #"{"id":1,"method":"hello","params":{"protocol":1,"server_name":"m","plugin":""}}"#
            let program = try RunningProgram(
                [
                    "/bin/bash", "-c",
                    """
                    (echo '\(hello)'; while sleep 0.1; do echo '{"id":2,"method":"status"}' || break; done) \
                        | \(lab.programs.headNode) serve \(settings) | head -n 2
                    echo "${PIPESTATUS[1]}"
                    """,
                ],
                environment: lab.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 },
                streams: "\(lab.folder)/streams/unread"
            )
            let ending = try await program.ending()
            #expect(ending.output.hasSuffix("\n0\n"), "\(ending.output)\(ending.errors)")
        }
    }

    /// A fake cluster; a real one is in Cluster.
    @Test func manyRunsShareOneWatchOfACluster() async throws {
        try await FakeCluster.run { fake in
            let lab = fake.lab
            let jobs = try (1...30)
                .map { number in
                    try GalaxyJob(
                        id: "\(number)",
                        folder: "\(lab.folder)/job-\(number)",
                        tool: "true",
                        image: "localhost/none:1"
                    )
                }
            let options = fake.options + ["--metrics", "127.0.0.1:0"]
            let parameters = #"{"requests_cpu":"250m","limits_memory":"1Gi","docker_enabled":true}"#
            let destination = #","destination":{"name":"k8s","params":\#(parameters)}"#
            try fake.hold()
            let (first, hello) = try await Serving.begin(lab, options)
            for job in jobs { first.send("submit", job, destination) }
            for job in jobs { try await first.hear(job, "running") }
            let runs = try Dictionary(
                uniqueKeysWithValues: first.said.filter { $0.state == "running" && $0.event != nil }
                    .map { ($0.job ?? "", $0.run ?? "") }
            )
            let address = try #require(hello.result?.metrics)
            let page = try Shell.run("curl -sS --fail http://\(address)/metrics")
            let line = #"galaxy_s3_executor_runs{destination="k8s",state="running"} 30"#
            #expect(page.contains(line + "\n"), "\(page)")
            #expect(page.contains("galaxy_s3_executor_cluster_out_of_reach 0\n"))
            let made = try fake.tell("GET", "/apis/batch/v1/namespaces/galaxy/jobs")
            for word in [#""250m""#, #""1Gi""#, "app.galaxyproject.org/handler", #""main""#] {
                #expect(made.contains(word), "\(word)")
            }
            let asked = try fake.requests("list").count + fake.requests("watch").count
            #expect(asked < 30, "no list or watch for each run: \(asked)")
            // Killed while the API server is away as well.
            try fake.close(seconds: 3)
            first.program.send(SIGKILL)
            _ = try await first.program.ending()
            let (second, _) = try await Serving.begin(lab, options)
            for job in jobs {
                let run = try #require(runs[job.description])
                second.send("submit", job, destination + #","run":"\#(run)""#)
            }
            try fake.release()
            for job in jobs {
                let end = try await second.hearEnd(of: job)
                #expect(end.state == "ok", "\(job.id): \(end.message ?? "")")
                let run = try #require(runs[job.description])
                #expect(Shell.text(job.output) == "out of run \(run)\n")
            }
            #expect(try fake.counts().jobs == 30, "no Job was made twice")
        }
    }
}
