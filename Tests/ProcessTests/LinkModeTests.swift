// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Output mode `link` with a real mount, and what happens when that is no good.
@Suite(.processes, .enabled(if: !TestServer.isOff && MountedBucket.isPossible))
struct LinkModeTests {
    /// Runs `body` with a mounted bucket.
    private func run(_ body: (Lab, MountedBucket) async throws -> Void) async throws {
        try await Lab.run { lab in
            let mount = try await MountedBucket(lab)
            defer { mount.remove() }
            try await body(lab, mount)
        }
    }

    /// Where Galaxy has the output of a job, which is not in the job directory.
    private func place(_ lab: Lab) -> String { "\(lab.folder)/store/dataset_3.dat" }

    /// A job whose output is at its final place, and large.
    private func job(_ lab: Lab, tool: String = "") throws -> GalaxyJob {
        let job = try GalaxyJob(
            folder: "\(lab.folder)/first",
            tool: tool + #"cat "$IN1" "$IN2" > "$OUT""#
        )
        try Shell.run(
            """
            mkdir -p \(lab.folder)/store; : > \(place(lab))
            sed -i 's#\(job.output)\\b#\(place(lab))#' \(job.description) \(job.directory)/tool_script.sh
            """
        )
        return job
    }

    private func expectLink(_ lab: Lab, _ mount: MountedBucket, _ job: GalaxyJob) throws {
        let target = try Shell.run("readlink \(place(lab)) || true")
        #expect(target.hasPrefix("\(mount.path)/\(lab.prefix)/data/lab/"))
        try expectContent(lab, job)
    }

    private func expectContent(_ lab: Lab, _ job: GalaxyJob) throws {
        try Shell.run("cat \(job.largeInput) \(job.smallInput) | cmp - \(place(lab))")
        #expect(try Shell.run("find \(lab.folder)/store -name '.galaxy*'") == "")
    }

    @Test func anOutputIsALinkAndTheNextJobStagesNothingOfIt() async throws {
        try await run { lab, mount in
            let first = try job(lab)
            let ending = try await lab.head("run", first, mount.settings)
            #expect(ending.status == 0, "\(ending.errors)")
            try expectLink(lab, mount, first)
            let staged = try await lab.keys("/stage/")
            let second = try GalaxyJob(
                id: "2",
                folder: "\(lab.folder)/second",
                tool: #"md5sum < "\#(place(lab))" > "$OUT""#
            )
            try Shell.run("sed -i 's#\(second.largeInput)#\(place(lab))#' \(second.description)")
            // The mount is there, and outputs are copied all the same.
            let copying = mount.settings + ["--set", "output_mode=copy"]
            #expect(try await lab.head("run", second, copying).status == 0)
            #expect(Shell.text(second.output) == (try Shell.run("md5sum < \(place(lab))")))
            #expect(try await lab.keys("/stage/") == staged)
        }
    }

    @Test("invariant 6: a head killed again and again leaves the same link as one that was not")
    func killedHeads() async throws {
        try await run { lab, mount in
            let job = try job(lab, tool: "sleep 0.3; ")
            var generator = SeededGenerator(seed: 20_261_122)
            for _ in 0..<10 {
                let head = try lab.start("run", job, mount.settings)
                try await Task.sleep(for: .milliseconds(Int.random(in: 5...900, using: &generator)))
                head.send(SIGKILL)
                if try await head.ending().status != 128 + SIGKILL { break }
            }
            let ending = try await lab.head("run", job, mount.settings)
            #expect(ending.status == 0, "\(ending.errors)")
            try expectLink(lab, mount, job)
        }
    }

    @Test(
        "invariant 2: a mount that hangs costs patience; the output is copied, and nothing is lost"
    )
    func aMountThatHangs() async throws {
        try await run { lab, mount in
            let job = try job(lab)
            mount.freeze()
            let ending = try await lab.head("run", job, mount.settings + ["--json"])
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(ending.output.contains("The outputs are copied, not linked"))
            #expect(try Shell.run("stat -c %F \(place(lab))") == "regular file\n")
            try expectContent(lab, job)
        }
    }

    @Test func outputsInTheJobDirectoryAreRefused() async throws {
        try await run { lab, mount in
            let job = try GalaxyJob(folder: lab.folder, tool: "true")
            let ending = try await lab.head("run", job, mount.settings)
            #expect(ending.status == 65)
            #expect(ending.errors.contains("outputs_to_working_directory: false"))
            #expect(try await lab.keys().isEmpty)
        }
    }
}
