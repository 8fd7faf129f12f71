// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What surrounds a program that some daemon, script or unit file has started.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct SurroundingsTests {
    /// Modes of its own, so that nothing but the head's umask could change them.
    private static let tree = """
        umask 022; mkdir -p made/deep; cd made; echo a > a; echo b > deep/b; chmod 640 deep/b
        ln -s deep/b link; chmod 750 deep; find . -type f -exec touch -d '2001-02-03 04:05:06' {} +
        find . -depth -type d -exec touch -d '2011-12-13 14:15:16' {} +
        """

    @Test(
        "B52: neither environment, umask, current directory nor closed streams make a difference",
        arguments: [
            "unset HOME LANG", "export LANG=C LC_ALL=C TZ=Nowhere/At/All", "umask 077",
            "umask 000", "cd; mkdir gone; cd gone; rmdir ../gone", "exec 0<&-", "exec 2>&-",
            "exec 0<&- 1>&- 2>&-",
        ]
    )
    func noDifference(_ surroundings: String) async throws {
        try await Lab.run { lab in
            let tool = """
                cp "$IN1" "$OUT"; mkdir -p "$OUT_FILES"; cp "$IN2" "$OUT_FILES/small"
                cd "$JOB/working"
                \(Self.tree)
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let before = try FileTree(job.objects)
            let ending = try await lab.head(
                "run",
                job,
                through: ["/bin/bash", "-c", "\(surroundings)\nexec \"$@\"", "-"]
            )
            #expect(ending.status == 0, "\(ending.output)\(ending.errors)")
            let expected = "\(lab.folder)/expected"
            try Shell.run("mkdir -p \(expected); cd \(expected)\n\(Self.tree)")
            let differences = try FileTree("\(job.working)/made")
                .differences(from: FileTree("\(expected)/made"))
            #expect(differences == [])
            #expect(try FileTree(job.objects) == before)
            let compared = try Shell.run(
                """
                cmp \(job.output) \(job.largeInput)
                cmp \(job.outputExtraFiles)/small \(job.smallInput)
                cat \(job.exitCodeFile)
                """
            )
            #expect(compared == "0\n")
        }
    }

    /// A file that is opened where a stream was would get what is said there.
    @Test func whatWasClosedIsOpenOnNothing() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "sleep 1")
            let head = try lab.start(
                "run",
                job,
                through: ["/bin/bash", "-c", "exec \"$@\" 0<&- 1>&- 2>&-", "-"]
            )
            var seen = ""
            try await Patience.long.wait("the head and its streams") {
                seen = try Shell.run(
                    "cd /proc/\(head.pid) && readlink exe fd/0 fd/1 fd/2 | sed 's|.*/||' || true"
                )
                return head.hasEnded
                    || seen.hasPrefix("galaxy-head-node") && seen.split(separator: "\n").count == 4
            }
            #expect(seen == "galaxy-head-node\nnull\nnull\nnull\n")
            #expect(try await head.ending().status == 0)
        }
    }
}
