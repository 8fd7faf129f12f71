// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// A job that works, through everything: head, bucket, sandbox and back.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct RoundTripTests {
    /// bash that fills the directory it runs in with what file systems allow and programs forget.
    static let hostileTree = #"""
        mkdir plain empty 'empty/only/empties/deep' -p
        echo a > ' leading'; echo b > 'trailing '; echo c > ' '; printf d > $'tab\there'
        echo e > $'new\nline'; echo f > $'carriage\rreturn'; echo g > $'both\r\nends'
        echo h > $'bad\xff\xfe'; mkdir $'dir\x80'; echo i > $'dir\x80/\xc3'
        echo j > $'caf\xc3\xa9'; echo k > $'cafe\xcc\x81'
        mkdir 'a'; echo l > $'a/\xcc\x81b'; echo m > $'..\xcc\x81x'
        for name in -rf --flag @file '~' '#' % %2F %00 + '&' = '?' ';' '*' '[1-2]{a}' '\' "'" '"' \
            '`' '$(id)' '...' '.hidden' '<xml>' '%s%n'; do echo "$name" > "plain/$name"; done
        for i in 1 2 3 4 5 6 7 8 9 a b c d e f 7f; do
            printf "$i" > "plain/$(printf "\\x$i")x"
        done
        echo n > $'\xf0\x9f\xa7\xac'; echo o > $'\xe2\x80\xaeltr'; echo p > $'zero\xe2\x80\x8bwidth'
        printf 'q' > "$(printf 'n%.0s' {1..255})"
        deep=.; for i in {1..40}; do deep=$deep/d$i; done; mkdir -p "$deep"; echo r > "$deep/leaf"
        echo upper > Case; echo lower > case
        : > zero; head -c 65536 /dev/zero > exactly; head -c 65537 /dev/zero > 'one more'
        echo private > secret; chmod 600 secret; echo run > program; chmod 755 program
        echo read > readonly; chmod 444 readonly; chmod 700 a
        ln -s plain link; ln -s '../'"$(basename "$PWD")"'/zero' 'round about'
        find . -type f -exec touch -d '2001-02-03 04:05:06.789' {} +
        touch -d '2106-01-01' exactly; touch -d '1969-12-31 23:59:58' zero
        find . -depth -type d -exec touch -d '2011-12-13 14:15:16' {} +
        """#

    @Test func hostileNamesAndTimesSurviveInBothDirections() async throws {
        try await Lab.run { lab in
            let tool = """
                cd "$JOB/working"; mkdir -p made; cd made
                \(Self.hostileTree)
                # What came in is sent back, so that it can be compared.
                cp -a "${IN2%.dat}_files" "$OUT_FILES"
                cp "$IN1" "$OUT"; echo said; echo complained >&2
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool, extraFiles: Self.hostileTree)
            let before = try FileTree(job.objects)
            let ending = try await lab.head("run", job, ["--json"])
            #expect(ending.status == 0, "\(ending.errors)\(ending.output.suffix(2000))")

            let expected = "\(lab.folder)/expected/made"
            try Shell.run("mkdir -p \(expected); cd \(expected)\n\(Self.hostileTree)")
            let differences = try FileTree("\(job.working)/made")
                .differences(from: FileTree(expected))
            #expect(differences == [])
            let there = try FileTree(job.outputExtraFiles)
                .differences(from: FileTree(job.extraFiles))
            #expect(there == [])
            #expect(try FileTree(job.objects) == before)
            #expect(Shell.text(job.output) == Shell.text(job.largeInput))
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "said\n")
            #expect(Shell.text("\(job.outputs)/tool_stderr") == "complained\n")
            #expect(Shell.text(job.exitCodeFile) == "0\n")
            let left = try Shell.run(
                "find \(job.folder)/galaxy -name '.galaxy_s3.*'; ls \(lab.folder)/state/tries"
            )
            #expect(left.isEmpty, "temporary files and tries are removed: \(left)")
            try #require(ending.status == 0)
        }
    }

    @Test func whatIsStagedOnceIsNotStagedAgain() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "wc -c < $IN1 > $OUT")
            // Files younger than two seconds get no record: they may still change unseen.
            try Shell.run("find \(job.objects) -exec touch -d '2020-01-01' {} +; sleep 2.1")
            #expect(try await lab.head("run", job).status == 0)
            let staged = try await lab.keys("/stage/")
            #expect(try await lab.head("run", job).status == 0)
            #expect(try await lab.keys("/stage/") == staged)
            #expect(!staged.isEmpty)
        }
    }
}
