// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Heads come and go, people change their minds, images differ: the job ends as it must.
@Suite(.processes, .enabled(if: !TestCluster.isOff)) struct ClusterLifeTests {
    private func message(_ answer: RunAnswer) -> String {
        answer.ending?.message ?? answer.error?.message ?? ""
    }

    // MARK: Heads

    @Test(arguments: KillTests.moments) func aKilledHeadIsTakenUpByTheNext(
        _ moment: String
    ) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("echo live; sleep 1; md5sum < \"$IN1\" > \"$OUT\"; echo x > made")
            let first = try lab.start("run", job)
            try await Patience.long.wait(moment) {
                first.output.contains(moment) || first.hasEnded
            }
            first.send(SIGKILL)
            let cut = try await first.ending()
            if cut.status != 0 {
                let (status, answer) = try await lab.run(job)
                #expect(status == 0, "\(message(answer))")
                #expect(answer.isResumed == true)
                #expect(answer.failedTries == [])
            }
            #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "live\n")
            #expect(try await lab.lab.keys("started.json").count == 1, "the tool ran once")
            #expect(try lab.jobs().count == 1, "a try's name is used once")
        }
    }

    @Test func liveOutputComesWhileTheToolRunsAndGoesOnAfterTheHeadIsReplaced() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob("echo after")
            let first = try lab.start("run", job)
            let stream = "\(job.outputs)/tool_stdout"
            try await Patience.long.wait("live output") { Shell.text(stream) == "waiting\n" }
            first.send(SIGKILL)
            _ = try await first.ending()
            try Shell.run("rm \(stream)")
            let second = try lab.start("run", job)
            try await Patience.long.wait("live output again") { Shell.text(stream) == "waiting\n" }
            try lab.release(try await lab.waitForTool(), "done")
            #expect(try await second.ending().status == 0)
            #expect(Shell.text(stream) == "waiting\nafter\n")
        }
    }

    // MARK: Cancel

    @Test(arguments: ["running", "waiting", "unwatched"]) func afterCancelNothingRuns(
        _ phase: String
    ) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob()
            let more = phase == "waiting" ? ["kubernetes.requests_cpu=1000"] : []
            let head = try lab.start("run", job, more: more)
            if phase == "waiting" {
                try await Patience.long.wait("the pod to wait") {
                    head.output.contains("Insufficient cpu")
                }
            } else {
                _ = try await lab.waitForTool()
            }
            if phase == "unwatched" {
                head.send(SIGKILL)
                _ = try await head.ending()
            }
            let cancel = try await lab.start("cancel", job, more: more, json: false).ending()
            #expect(cancel.status == 0, "\(cancel.errors)")
            #expect(cancel.output.contains("cancelled"))
            let running = try lab.cluster.kubectl(
                "get pods -l galaxy-s3-executor/instance=\(lab.instance) -o "
                    + "jsonpath='{.items[*].status.containerStatuses[*].state.running}'"
            )
            #expect(running == "", "invariant 5: nothing runs any more")
            if phase != "unwatched" {
                let answer = try RunAnswer(try await head.ending())
                #expect(answer.ending?.state == "cancelled", "\(message(answer))")
            }
            #expect(Shell.text(job.output) == "")
            #expect(
                try await lab.lab.text(try #require(lab.lab.keys("result.json").first))
                    .contains("cancelled")
            )
        }
    }

    // MARK: Images

    @Test(
        "a shell and nothing else in the image, and it need not be bash",
        arguments: ["split", "single"]
    )
    func busybox(shape: String) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job(
                "md5sum < \"$IN1\" > \"$OUT\"; echo said",
                image: "localhost/busybox:1",
                shell: "/bin/sh"
            )
            let (status, answer) = try await lab.run(job, shape: shape)
            #expect(status == 0, "\(message(answer))")
            #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
        }
    }

    @Test(arguments: ["split", "single"]) func aReadOnlyRootFileSystemAndNoPower(
        _ shape: String
    ) async throws {
        try await ClusterLab.run { lab in
            let tool = """
                id -u > "$OUT"; (touch /x) 2> /dev/null && echo wrote >> "$OUT"
                touch /tmp/fine "$TMPDIR/fine" "$HOME/fine" && echo fine >> "$OUT"
                grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t' ' ' >> "$OUT"
                ls -d /var/run/secrets/* /galaxy-s3-executor-credentials 2> /dev/null | wc -l >> "$OUT"
                env | grep -c AWS_ >> "$OUT"
                """
            let job = try lab.job(tool)
            let (status, answer) = try await lab.run(
                job,
                shape: shape,
                more: [
                    "kubernetes.k8s_read_only_root_filesystem=true",
                    "kubernetes.k8s_run_as_user_id=4321",
                ]
            )
            #expect(status == 1, "grep finds nothing: \(message(answer))")
            let expected = """
                4321
                fine
                NoNewPrivs: 1
                CapEff: 0000000000000000
                Seccomp: 2
                \(shape == "split" ? "0" : "1")
                0

                """
            let lines = Set(Shell.text(job.output).split(separator: "\n"))
            #expect(lines == Set(expected.split(separator: "\n")), "\(Shell.text(job.output))")
        }
    }

    @Test func slotsAndMemoryAreTheTools() async throws {
        try await ClusterLab.run { lab in
            let tool = "echo $GALAXY_SLOTS $GALAXY_MEMORY_MB $GALAXY_MEMORY_MB_PER_SLOT > $OUT"
            let job = try lab.job(tool)
            // The description's own environment would win.
            try job.write(
                description: job.json.replacing(#"{"GALAXY_SLOTS": "2"}"#, with: "{}")
            )
            let (status, answer) = try await lab.run(
                job,
                more: ["kubernetes.requests_cpu=100m", "kubernetes.requests_memory=64Mi"]
            )
            #expect(status == 0, "\(message(answer))")
            #expect(Shell.text(job.output) == "1 67 67\n")
        }
    }
}
