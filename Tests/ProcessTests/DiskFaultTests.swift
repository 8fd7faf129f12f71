// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// F06 to F08: where the head writes there is no inode left, no room for its notes, nothing may be
/// written, or the directory is gone; and a flush that has failed is not asked for again. The results
/// stay in the bucket, and the tool runs once.
@Suite(
    .processes,
    .enabled(if: !TestServer.isOff),
    .enabled("it mounts small file systems") { geteuid() == 0 }
)
struct DiskFaultTests {
    private func mount(_ options: String, at place: String) throws {
        try Shell.run("mkdir -p \(place); mount -t tmpfs -o \(options) none \(place)")
    }

    private func unmount(_ place: String) { _ = try? Shell.run("umount -l \(place) || true") }

    /// What the run failed with, said by name.
    private func expectRefusal(
        _ ending: RunningProgram.Ending,
        _ words: String...,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(ending.status == 71 || ending.status == 66, "\(ending.errors)")
        for word in words {
            #expect(ending.errors.contains(word), "\(ending.errors)", sourceLocation: location)
        }
    }

    private func expectDone(
        _ job: GalaxyJob,
        _ lab: Lab,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let (status, answer) = try await lab.run(job)
        #expect(status == 0, "\(answer)", sourceLocation: location)
        #expect(Shell.text(job.output) == "done\n", sourceLocation: location)
        #expect(try await lab.reports().count == 1, "the tool ran once", sourceLocation: location)
    }

    @Test func whereThereIsNoInodeNothingIsPutInPlace() async throws {
        try await Lab.run { lab in
            let tool = """
                echo done > "$OUT"; mkdir -p "$OUT_FILES"
                for i in {1..40}; do echo $i > "$OUT_FILES/$i"; done
                """
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            try mount("size=8m,nr_inodes=20", at: job.outputs)
            defer { unmount(job.outputs) }
            try Shell.run("touch \(job.output)")
            for _ in 0..<2 {
                let ending = try await lab.head("run", job)
                expectRefusal(ending, "No space left on device", job.outputs, "inodes (df -i)")
                #expect(Shell.text(job.output) == "")
                let left = try Shell.run("find \(job.outputs) -type f ! -name 'tool_std*'")
                #expect(left == "\(job.output)\n", "nothing is left behind")
            }
            try Shell.run("mount -o remount,nr_inodes=1000 \(job.outputs)")
            try await expectDone(job, lab)
            #expect(try Shell.run("cat \(job.outputExtraFiles)/* | sort -n | tail -1") == "40\n")
        }
    }

    @Test(arguments: ["size=4k", "nr_inodes=2"]) func notesThatFindNoRoomAreNamed(
        _ options: String
    ) async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "echo done > $OUT")
            let notes = "\(job.directory)/galaxy_s3"
            try mount(options, at: notes)
            defer { unmount(notes) }
            let ending = try await lab.head("run", job)
            expectRefusal(ending, "notes", notes, "No space left on device", "Free space there")
            #expect(ending.errors.split(separator: "\n").count == 1, "\(ending.errors)")
            #expect(try await lab.keys() == [], "nothing is begun that is not noted")
            try Shell.run("mount -o remount,size=1m,nr_inodes=100 \(notes)")
            try await expectDone(job, lab)
        }
    }

    @Test func aReadOnlyOutputDirectoryLosesNothing() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "echo done > $OUT")
            try mount("size=8m", at: job.outputs)
            defer { unmount(job.outputs) }
            try Shell.run("touch \(job.output); mount -o remount,ro \(job.outputs)")
            for _ in 0..<2 {
                let ending = try await lab.head("run", job)
                expectRefusal(ending, "Read-only file system", job.outputs, "writable again")
            }
            try Shell.run("mount -o remount,rw \(job.outputs)")
            try await expectDone(job, lab)
        }
    }

    @Test func anOutputDirectoryThatIsGoneIsMadeAgain() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab, rest: "echo done > $OUT")
            let head = try lab.start("run", job)
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            try Shell.run("rm -rf \(job.outputs)")
            try GalaxyJob.release(volume, "go")
            let ending = try await head.ending()
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(Shell.text(job.output) == "done\n")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "waiting\n")
        }
    }

    /// F07: after a failure the kernel may have dropped what was to be written, and the next flush of
    /// the same file says that all is well.
    @Test(arguments: 1...8) func aFlushThatFailedIsNotAskedForAgain(_ number: Int) async throws {
        try await CarriedJob.run(.single) { carried in
            let trace = carried.lab.folder + "/strace"
            let first = try await carried.carry(through: [
                "strace", "-f", "-y", "-b", "execve", "-qq", "-o", trace,
                "-e", "trace=fsync,fdatasync,syncfs,renameat,renameat2,rename",
                "-e", "inject=fsync,fdatasync,syncfs:error=EIO:when=\(number)",
            ])
            var failed: Set<Substring> = []
            for line in Shell.text(trace).split(separator: "\n") {
                // "7     fsync(3</tmp/lab/.galaxy_s3.1>) = -1 EIO (Input/output error) (INJECTED)"
                if line.contains("sync("), let start = line.firstIndex(of: "<"),
                    let end = line.lastIndex(of: ">")
                {
                    let name = line[start..<end].split(separator: "/").last ?? ""
                    #expect(!failed.contains(name), "it is asked for again: \(line)")
                    if line.hasSuffix("(INJECTED)") { failed.insert(name) }
                } else {
                    let isMoved = failed.contains { line.contains("\"\($0)\"") }
                    #expect(!isMoved, "it is put in place: \(line)")
                }
            }
            try #require(!failed.isEmpty)
            if first.isDone { #expect(try await carried.isThere()) }
            let second = try await carried.carry()
            #expect(second.isDone, "\(second.words)")
            try await carried.expectResult("flush \(number)", told: first.words)
        }
    }
}
