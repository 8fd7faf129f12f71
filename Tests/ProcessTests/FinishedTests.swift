// SPDX-License-Identifier: Apache-2.0

import S3Client
import TestSupport
import Testing

/// What the head does when Galaxy has finished a job, with real programs and a real store.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct FinishedTests {
    /// A job whose output is large enough to be an object of its own.
    private func first(_ lab: Lab) throws -> GalaxyJob {
        try GalaxyJob(id: "1", folder: "\(lab.folder)/first", tool: #"cat "$IN1" "$IN2" > "$OUT""#)
    }

    /// A job that has `path` in place of its large input.
    private func second(_ lab: Lab, input path: String) throws -> GalaxyJob {
        let tool = #"md5sum < "\#(path)" > "$OUT""#
        let job = try GalaxyJob(id: "2", folder: "\(lab.folder)/second", tool: tool)
        try Shell.run("sed -i 's#\(job.largeInput)#\(path)#' \(job.description)")
        return job
    }

    /// The key that the spec of a job names for `path`.
    private func key(_ job: GalaxyJob, _ path: String) throws -> String {
        try Shell.run(
            """
            /usr/bin/python3 - '\(path)' '\(job.directory)/galaxy_s3/spec.json' << 'END'
            import json, sys
            path, spec = sys.argv[1:]
            entries = json.load(open(spec))["inputs"]
            print(*(entry["key"] for entry in entries if entry["path"] == path), end="")
            END
            """
        )
    }

    @Test(
        "invariant 10: what Galaxy has moved is not staged again, also when the head has forgotten the run"
    )
    func whatGalaxyHasMovedIsNotStaged() async throws {
        try await Lab.run { lab in
            let first = try first(lab)
            let (serving, _) = try await Serving.begin(lab)
            let run = try #require(try await serving.ask("submit", first).result?.run)
            #expect(try await serving.hearEnd(of: first).state == "ok")
            // As Galaxy finishes a job: a copy with a time of its own, then no job directory any more.
            let moved = "\(lab.folder)/objects/dataset_3.dat"
            try Shell.run(
                """
                mkdir -p \(lab.folder)/objects; cp \(first.output) \(moved)
                cp \(first.output) \(moved).other; printf x | dd of=\(moved).other conv=notrunc bs=1
                rm -rf \(first.directory)
                """
            )
            // Of its own input there is a record only if that was no new file.
            let records = try await lab.keys("/staged/").count
            try await serving.ask("forget", first)
            let outputs = #","run":"\#(run)","outputs":["\#(moved)","\#(moved).other","/no/such"]"#
            let answer = try await serving.ask("finished", first, outputs)
            #expect(answer.error == nil, "\(answer.error?.message ?? "")")
            #expect(try await lab.keys("/staged/").count == records + 1)
            let staged = try await lab.keys("/stage/")

            let second = try second(lab, input: moved)
            try await serving.ask("submit", second)
            #expect(try await serving.hearEnd(of: second).state == "ok")
            #expect(Shell.text(second.output) == (try Shell.run("md5sum < \(moved)")))
            #expect(try key(second, moved).hasPrefix("\(lab.prefix)/data/lab/\(run)/"))
            #expect(try await lab.keys("/stage/") == staged)
        }
    }

    @Test func aRunWithoutResultsHasNothingToRecord() async throws {
        try await Lab.run { lab in
            let (serving, _) = try await Serving.begin(lab)
            let more = #","run":"7-0123456789abcdef","outputs":["/etc/hostname"]"#
            let answer = try await serving.ask("finished", try first(lab), more)
            #expect(answer.error == nil)
            #expect(try await lab.keys() == ["\(lab.prefix)/doctor/serve"])
        }
    }
}
