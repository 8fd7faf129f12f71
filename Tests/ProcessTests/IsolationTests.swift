// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import S3Client
import TestSupport
import Testing

/// What a tool can see and reach: its own directories, and no secret.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct IsolationTests {
    @Test(arguments: ["single", "split"]) func aToolSeesNothingOfThisMachinesOwn(
        _ shape: String
    ) async throws {
        try await Lab.run { lab in
            let secret = lab.server.credentials.secretKey.reveal()
            let tool = """
                exec 2>&1
                echo "tries $(ls -A \(lab.folder)/state 2> /dev/null | wc -l)"
                echo "siblings $(ls -A \(lab.folder) | tr '\\n' ' ')"
                echo "root $(ls -A /root 2> /dev/null | wc -l)"
                echo "home $(ls -A /home 2> /dev/null | wc -l)"
                echo "shadow $(cat /etc/shadow 2> /dev/null | wc -c)"
                echo "aws $(env | grep -c -e AWS -e '\(secret.prefix(12))')"
                for file in environ mem maps fd/0 root/etc/passwd cwd/x; do
                    for entry in /proc/[0-9]*; do
                        [ "$entry" != /proc/$$ ] || continue
                        [[ $(tr '\\0' ' ' < $entry/cmdline 2> /dev/null) = *galaxy-worker-exec* ]] || continue
                        if head -c 1 $entry/$file > /dev/null 2>&1; then echo "reads $entry/$file"; fi
                    done
                done
                echo "fds $(ls /proc/self/fd | tr '\\n' ' ')"
                echo "overwrites $( (echo x > /galaxy-s3/galaxy-worker-exec) 2>&1 | grep -c 'only\\|denied\\|busy')"
                echo "usr $( (echo x > /usr/x) 2>&1 | grep -c 'only\\|denied')"
                kill -STOP 1 2> /dev/null; kill -KILL 1 2> /dev/null
                echo "processes $(ls -d /proc/[0-9]* | wc -l)"
                echo changed >> "$IN1"; echo x > "\(lab.folder)/galaxy/objects/new" || true
                echo done > "$OUT"
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let before = try FileTree(job.objects)
            let (status, answer) = try await lab.run(job, ["--set", "local.shape=\(shape)"])
            #expect(status == 0, "\(answer.ending?.message ?? answer.error?.message ?? "")")
            let seen = Shell.text("\(job.outputs)/tool_stdout")
            for line in [
                "tries 0", "siblings galaxy ", "root 0", "home 0", "shadow 0", "aws 0",
                "fds 0 1 2 3 ", "overwrites 1", "usr 1",
            ] { #expect(seen.contains(line + "\n"), "\(line) is not in: \(seen)") }
            #expect(!seen.contains("reads "), "\(seen)")
            #expect(Shell.text(job.output) == "done\n")
            // The tool may change what it was given; Galaxy's own files stay as they are.
            #expect(try FileTree(job.objects).differences(from: before) == [])
        }
    }

    /// Whoever runs the head: a tool is not root, and can neither become it nor fill the memory.
    @Test func aToolHasNoMoreThanItsOwnFolders() async throws {
        try await Lab.run { lab in
            // A place that the sandbox shows: only its mode keeps it from a tool.
            let secret = "/usr/local/share/galaxy-s3-\(lab.folder.suffix(6))"
            try Shell.run("echo secret > \(secret); chmod 600 \(secret)")
            defer { unlink(secret) }
            let tool = """
                exec 2>&1
                echo "groups $(id -G)"
                echo "secret $(cat \(secret) 2> /dev/null)"
                echo "keys $(ls /etc/ssl/private 2> /dev/null | wc -l)"
                echo "certificates $([ -e /etc/ssl/certs ] && echo there)"
                unshare -Ur true 2> /dev/null && echo "becomes root"
                (echo x > /x) 2> /dev/null && echo "writes /"
                (echo x > /etc/x) 2> /dev/null && echo "writes /etc"
                (echo x > /galaxy-s3/x) 2> /dev/null && echo "writes beside the state"
                echo x > /tmp/x && echo "tmp $(stat -f -c %T /tmp) $(stat -c %a /tmp)"
                umask 077; echo done > "$OUT"
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? answer.error?.message ?? "")")
            let seen = Shell.text("\(job.outputs)/tool_stdout")
            let disk = try Shell.run("stat -f -c %T \(lab.folder)").split(separator: "\n")[0]
            for line in [
                "keys 0", "certificates there", "tmp \(disk) 700",
            ] { #expect(seen.contains(line + "\n"), "\(line) is not in: \(seen)") }
            #expect(!seen.contains("becomes root"))
            #expect(!seen.contains("writes "), "\(seen)")
            if geteuid() == 0 {
                #expect(seen.contains("groups 65532\n"), "\(seen)")
                #expect(seen.contains("secret \n"), "\(seen)")
            }
            #expect(Shell.text(job.output) == "done\n")
        }
    }

    /// Invariant 8, while everything runs.
    @Test(arguments: ["single", "split"]) func noSecretStandsInACommandLineOrInTheBucket(
        _ shape: String
    ) async throws {
        try await Lab.run { lab in
            let secret = lab.server.credentials.secretKey.reveal()
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json", "--set", "local.shape=\(shape)"])
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            // The pattern is in no command line, or grep would find itself.
            try ChildProcess.write(Array(secret.utf8), to: "\(lab.folder)/pattern")
            let found = try Shell.run(
                "grep -aF -f \(lab.folder)/pattern /proc/[0-9]*/cmdline 2> /dev/null || true"
            )
            #expect(found == "", "\(found.replacing(secret, with: "(the secret)"))")
            // Split: only the containers beside the tool's have it in their environment.
            if shape == "split" {
                let tools = try lab.processes("tool --state") + lab.processes("tool_script.sh")
                #expect(!tools.isEmpty)
                for pid in tools {
                    let holds = try Shell.run(
                        "grep -caF -f \(lab.folder)/pattern /proc/\(pid)/environ 2> /dev/null || true"
                    )
                    #expect(holds == "0\n" || holds == "", "\(Shell.text("/proc/\(pid)/cmdline"))")
                }
            }
            try Shell.run("rm \(lab.folder)/pattern")
            try GalaxyJob.release(volume, "go")
            #expect(try await head.ending().status == 0)
            for key in try await lab.keys() {
                #expect(!(try await lab.text(key)).contains(secret), "\(key)")
            }
        }
    }

    @Test func withoutNetworkTheToolReachesNothing() async throws {
        try await Lab.run { lab in
            let port = lab.server.endpoint.split(separator: ":").last ?? "80"
            let tool = """
                if (exec 3<> /dev/tcp/127.0.0.1/\(port)) 2> /dev/null; then echo reached; else
                    echo nothing; fi > "$OUT"
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            #expect(try await lab.run(job, ["--set", "local.network=none"]).status == 0)
            #expect(Shell.text(job.output) == "nothing\n")
        }
    }
}
