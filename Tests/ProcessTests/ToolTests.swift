// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Whatever a tool does, its logs, its exit code and its files come back, and nothing is guessed
/// (F42, F50 and F52).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct ToolTests {
    @Test func aFailingToolIsBroughtBackWhole() async throws {
        try await Lab.run { lab in
            let tool = "echo half > $OUT; echo out; echo err >&2; echo x > made; exit 3"
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.state == "tool_failed")
            #expect(answer.ending?.exitCode == 3)
            #expect(Shell.text(job.exitCodeFile) == "3\n")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "out\n")
            #expect(Shell.text("\(job.outputs)/tool_stderr") == "err\n")
            #expect(Shell.text(job.output) == "half\n")
            #expect(Shell.text("\(job.working)/made") == "x\n")
            #expect(answer.failedTries == [])
        }
    }

    @Test func onFailureLogsBringsTheLogsAlone() async throws {
        try await Lab.run { lab in
            let tool = "echo half > $OUT; echo out; echo x > made; exit 3"
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job, ["--set", "push.on_failure=logs"])
            #expect(status == 1)
            #expect(answer.ending?.exitCode == 3)
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "out\n")
            #expect(Shell.text(job.output) == "")
            #expect(access("\(job.working)/made", F_OK) != 0)
        }
    }

    @Test func aToolKilledByASignalHasTheShellsCode() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "echo before; kill -KILL $$")
            let (status, answer) = try await lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.exitCode == 137)
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "before\n")
        }
    }

    /// The script is killed itself, so Galaxy's own record is never written.
    @Test(arguments: [
        "kill -KILL $PPID", "kill -KILL $PPID; echo nonsense > $JOB/galaxy_1.ec",
        "mkdir $JOB/galaxy_1.ec; kill -KILL $PPID",
        "ln -s /dev/zero $JOB/galaxy_1.ec; kill -KILL $PPID",
        "mkfifo $JOB/galaxy_1.ec; kill -KILL $PPID",
        "sleep 0.1; echo 256 > $JOB/galaxy_1.ec; kill -KILL $PPID",
    ])
    func withoutAGoodExitCodeARunFails(_ tool: String) async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "echo said > $OUT; " + tool)
            let (status, answer) = try await lab.run(job)
            #expect(status == 1, "\(answer.error?.message ?? "")")
            #expect(answer.ending?.state == "failed")
            #expect(answer.ending?.exitCode == nil)
            #expect(answer.ending?.message.contains("exit code") == true)
            #expect(Shell.text(job.exitCodeFile) != "0\n")
        }
    }

    @Test func whatTheToolLeavesRunningIsKilledBeforeThePush() async throws {
        try await Lab.run { lab in
            let tool = """
                (trap '' TERM HUP; while :; do echo tick >> "$JOB/working/ticks"; sleep 0.01; done) &
                setsid -f bash -c 'trap "" TERM; while :; do echo tock; sleep 0.01; done' \
                    > "$JOB/working/tocks" 2>&1
                setsid -f bash -c 'sleep 987.\(lab.folder.utf8.count) # \(lab.prefix)'
                sleep 0.3; echo done > "$OUT"
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? "")")
            #expect(Shell.text(job.output) == "done\n")
            #expect(Shell.text("\(job.working)/ticks").hasPrefix("tick\n"))
            #expect(Shell.text("\(job.working)/tocks").hasPrefix("tock\n"))
            #expect(try lab.processes("987.") == [])
        }
    }

    /// An eviction comes from outside; what the tool signals is its own matter.
    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func aToolThatSignalsTheWorkerIsNoEviction(
        _ signal: Int32
    ) async throws {
        try await Lab.run { lab in
            let tool = """
                kill -\(signal) 1; setsid bash -c 'kill -\(signal) 1'; sleep 0.2
                /bin/kill -\(signal) 1; sleep 0.2; echo fine > $OUT
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? "")")
            #expect(answer.failedTries == [])
            #expect(Shell.text(job.output) == "fine\n")
        }
    }

    @Test func orphansAreReapedWhileTheToolRuns() async throws {
        try await Lab.run { lab in
            let tool = """
                for i in $(seq 100); do (setsid sleep 0.01 &); done; sleep 0.6
                grep -l '^State:.Z' /proc/[0-9]*/status 2> /dev/null | wc -l > $OUT
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            #expect(try await lab.run(job).status == 0)
            #expect(Shell.text(job.output) == "0\n")
        }
    }

    @Test func theWalltimeEndsAToolThatIgnoresTERM() async throws {
        try await Lab.run { lab in
            let tool = "trap '' TERM; echo began; while :; do sleep 0.1; done"
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let limits = ["--set", "limits.walltime=1s", "--set", "limits.grace=1s"]
            let (status, answer) = try await lab.run(job, limits)
            #expect(status == 1)
            #expect(answer.ending?.state == "walltime_reached")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "began\n")
            #expect(answer.failedTries == [], "a walltime is not tried again")
        }
    }

    @Test("F50: 3 GiB with --faults") func aFloodOnStdoutComesBackWholeAndLiveOutputIsBounded()
        async throws
    {
        try await Lab.run { lab in
            let bytes = Lab.isFull ? 3 << 30 : 50 << 20
            let tool = "yes abcdefghijklmnopqrstuvwxyz 2> /dev/null | head -c \(bytes)"
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let head = try lab.start("run", job, ["--json"])
            // The short way may be over before anybody has looked.
            let programs = Lab.isFull ? [head.pid, try await lab.worker()] : [head.pid]
            var peak = 0
            while !head.hasEnded {
                peak = max(peak, programs.map { HeadLimitTests.peak(of: $0) }.max() ?? 0)
                try await Task.sleep(for: .milliseconds(50))
            }
            let ending = try await head.ending()
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(answer.message)")
            #expect(peak <= HeadLimitTests.memory, "\(peak >> 10) MiB resident")
            let same = try Shell.run("\(tool) | cmp - \(job.outputs)/tool_stdout && echo same")
            #expect(same == "same\n")
            #expect(answer.liveBytes < bytes / 4)
        }
    }

    @Test func aToolThatClosesItsStreamsIsNoTrouble() async throws {
        try await Lab.run { lab in
            let tool = "exec >&- 2>&-; rm ../outputs/tool_stdout; echo fine > $OUT"
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            #expect(try await lab.run(job).status == 0)
            #expect(Shell.text(job.output) == "fine\n")
        }
    }

    @Test func linksAreReadThroughInsideAndRefusedByNameOutside() async throws {
        try await Lab.run { lab in
            let tool = """
                rm "$OUT"; ln -s "$IN1" "$OUT"
                ln -s /etc/passwd stolen; ln -s ../../../../../../etc/passwd climbs
                ln -s nowhere dangling; ln -s loop loop; ln -s /proc/self/environ environ
                mkdir "$OUT_FILES"; ln -s /etc/passwd "$OUT_FILES/stolen"; echo kept > "$OUT_FILES/kept"
                ln -s "$IN1" given; ln -s "$IN2" "$OUT_FILES/given"
                mkfifo pipe; echo kept > kept
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? "")")
            #expect(try FileTree(job.output).differences(from: FileTree(job.largeInput)) == [])
            #expect(Shell.text("\(job.working)/kept") == "kept\n")
            #expect(Shell.text("\(job.outputExtraFiles)/kept") == "kept\n")
            let refused = answer.ending?.refused.joined(separator: "\n") ?? ""
            for name in ["working/stolen", "climbs", "environ", "pipe", "dataset_3_files/stolen"] {
                #expect(refused.contains(name), "\(name) is not among what was left behind")
            }
            // Galaxy refuses a result that leads nowhere; one that is not there it would not miss.
            let links = try Shell.run("find \(job.directory) -type l -printf '%f %l\\n' | sort")
            #expect(
                links == """
                    climbs /dev/null/left-behind
                    dangling nowhere
                    environ /dev/null/left-behind
                    given \(job.largeInput)
                    given \(job.smallInput)
                    loop loop
                    stolen /dev/null/left-behind

                    """
            )
            #expect(try Shell.run("find \(job.directory) -name pipe") == "")
            #expect(try Shell.run("ls -A \(job.outputExtraFiles)") == "given\nkept\n")
            #expect(!refused.contains("given"))
            let content = try Shell.run("grep -rl ^root: \(job.directory) || true")
            #expect(content.isEmpty)
        }
    }

    @Test(arguments: ["single", "split"])
    func aToolThatShutsItsDirectoryIsNotRunAgain(_ shape: String) async throws {
        try await Lab.run { lab in
            let tool = """
                echo ran; echo kept > kept; chmod 000 "$(dirname "$IN1")" .. .; exit 7
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job, ["--set", "local.shape=\(shape)"])
            #expect(status == 1)
            // Galaxy's own script could not write it.
            #expect(answer.ending?.message.contains("left no exit code") == true)
            #expect(answer.failedTries == [])
            #expect(answer.ending?.message.contains("disk") == false)
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "ran\n")
            #expect(Shell.text("\(job.working)/kept") == "kept\n")
        }
    }

    @Test func anOutputThatLeadsOutsideIsRefusedAndTheRestCarried() async throws {
        try await Lab.run { lab in
            let tool = "rm $OUT; ln -s /etc/passwd $OUT; echo kept > kept; echo said"
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (_, answer) = try await lab.run(job)
            #expect(answer.ending?.refused.contains { $0.contains("dataset_3.dat") } == true)
            #expect(Shell.text("\(job.working)/kept") == "kept\n")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "said\n")
            #expect(Shell.text(job.output) == "")
        }
    }

    @Test func reservedNamesOfTheToolsAreLeftBehind() async throws {
        try await Lab.run { lab in
            let tool = """
                mkdir -p "$JOB/galaxy_s3"; echo '{}' > "$JOB/galaxy_s3/run.json"
                echo 0 > "$JOB/galaxy_1.ec"; echo x > "$JOB/home/x"; echo x > "$JOB/_working/x"
                exit 4
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.exitCode == 4)
            #expect(Shell.text("\(job.directory)/galaxy_s3/run.json").contains("\"run\""))
            #expect(try Shell.run("ls \(job.directory)/home 2>&1 || true").contains("No such"))
        }
    }

    /// Modes, types and places that a tool may leave; none may stop the rest.
    @Test func whatAToolHasShutComesBack() async throws {
        try await Lab.run { lab in
            let tool = """
                echo hidden > secret; chmod 000 secret; mkdir locked; echo x > locked/x
                chmod 000 locked; mkdir "$OUT_FILES"; echo x > "$OUT_FILES/x"
                chmod 000 "$OUT_FILES/x" "$OUT_FILES"
                echo 4 > setuid; chmod 4755 setuid; echo kept > "$OUT"; chmod 000 "$OUT"
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? "")")
            #expect(answer.failedTries == [])
            #expect(Shell.text(job.output) == "kept\n")
            let setuid = try Shell.run("stat -c %a \(job.working)/setuid")
            #expect(setuid == "755\n")
            // What is its own the worker makes readable.
            #expect(Shell.text("\(job.working)/secret") == "hidden\n")
            #expect(Shell.text("\(job.working)/locked/x") == "x\n")
            #expect(Shell.text("\(job.outputExtraFiles)/x") == "x\n")
            #expect(answer.ending?.refused == [])
        }
    }

    /// Galaxy's own directories replaced by something else.
    @Test(arguments: [
        "rm -rf $JOB/outputs; echo f > $JOB/outputs",
        "rm -rf $JOB/outputs; ln -s /etc $JOB/outputs",
        "echo f > $OUT_FILES", "ln -s $IN2 $OUT_FILES", "rm $OUT; mkdir $OUT",
        "rm -rf $JOB/working", "rm -rf $JOB/*",
    ])
    func aToolThatWrecksItsDirectoriesIsSurvived(_ tool: String) async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job)
            #expect(status == 0 || status == 1, "\(answer.error?.message ?? "")")
            let ending = try #require(answer.ending, "the run has an end")
            #expect(answer.failedTries == [], "it is the tool's fault and not tried again")
            #expect(ending.state != "ok" || Shell.text(job.exitCodeFile) == "0\n")
        }
    }

    /// On a shared disk the tool would have changed Galaxy's own directory. Here nothing is removed
    /// that Galaxy has made: what stands in its place stays in the pod, by name, and the run ends.
    @Test(arguments: [
        (
            "rm $JOB/tool_script.sh; mkdir $JOB/tool_script.sh; echo x > $JOB/tool_script.sh/x",
            "tool_script.sh"
        ),
        ("rm -r $JOB/configs; echo file > $JOB/configs", "configs"),
    ])
    func whatIsInPlaceOfAnotherKindOfFileIsLeftBehindByName(
        _ tool: String,
        name: String
    ) async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: tool + "; echo made > made")
            let before = try Shell.run("stat -c %F \(job.directory)/\(name)")
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.error?.message ?? "")")
            #expect(answer.ending?.refused.count { $0.contains("/\(name) was left behind") } == 1)
            #expect(Shell.text("\(job.working)/made") == "made\n")
            #expect(try Shell.run("stat -c %F \(job.directory)/\(name)") == before)
        }
    }

    @Test(
        "an output that Galaxy waits for and does not get is never called right",
        arguments: [
            "rm $OUT", "rm $OUT; mkfifo $OUT", "rm $OUT; ln -s /etc/passwd $OUT",
            "rm $OUT; mkdir $OUT",
            "mv $JOB/outputs $JOB/working/o; ln -s working/o $JOB/outputs",
        ]
    )
    func anOutputThatDoesNotComeBackFailsTheRun(_ tool: String) async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "echo x > $OUT; " + tool)
            try Shell.run("echo stale > \(job.output)")
            let (status, answer) = try await lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.state == "failed")
            #expect(answer.ending?.message.contains("did not come back") == true)
            #expect(answer.failedTries == [], "it is the tool's doing and not tried again")
        }
    }
}
