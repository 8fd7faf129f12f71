// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// F09 and F10: a head that may open few files, and how much memory it takes for large files and for many.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct HeadLimitTests {
    /// What a head or a worker may have resident at most, in KiB.
    static let memory = 256 << 10

    /// A tool that leaves many files, of one number each, and copies its input.
    private func job(
        _ lab: Lab,
        files: Int,
        mebibytes: Int
    ) throws -> GalaxyJob {
        let tool = """
            mkdir many; (cd many; seq \(files) | split -a 5 -d -l 1 - f)
            cp --sparse=always "$IN1" copy; echo done > "$OUT"
            """
        let job = try GalaxyJob(folder: lab.folder, tool: tool)
        // Mostly holes on this disk, and bytes like any others for the head.
        try Shell.run(
            """
            truncate -s \(mebibytes)M \(job.largeInput)
            for at in $(seq 0 16 \(mebibytes - 1)); do
                head -c 512 /dev/urandom | dd of=\(job.largeInput) bs=1M seek=$at conv=notrunc status=none
            done
            """
        )
        return job
    }

    private func expectResult(
        _ job: GalaxyJob,
        files: Int
    ) throws {
        try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
        try Shell.run(
            "find \(job.working)/many -type f -exec cat {} + | sort -n | cmp - <(seq \(files))"
        )
        #expect(Shell.text(job.output) == "done\n")
        #expect(Shell.text(job.exitCodeFile) == "0\n")
    }

    @Test("F09: 64 descriptors are enough, or it is said that they are not, and nothing is lost")
    func fewDescriptors() async throws {
        try await Lab.run { lab in
            let job = try job(lab, files: 300, mebibytes: 48)
            let ending = try await lab.head(
                "run",
                job,
                ["--json"],
                through: ["/usr/bin/prlimit", "--nofile=64:64"]
            )
            let said = try RunAnswer(ending).error?.message ?? ""
            #expect([0, 71].contains(ending.status), "\(said)\(ending.errors)")
            if ending.status != 0 {
                #expect(said.contains("Raise the limit of open files"), "\(said)")
                #expect(Shell.text(job.output) == "")
            }
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? answer.error?.message ?? "")")
            #expect(answer.failedTries == [])
            try expectResult(job, files: 300)
        }
    }

    /// 5 GiB and 100,000 files the long way.
    @Test("F10: memory depends neither on the size of files nor on their number")
    func memoryIsFlat() async throws {
        try await Lab.run { lab in
            let files = Lab.isFull ? 100_000 : 5000
            let job = try job(lab, files: files, mebibytes: Lab.isFull ? 5120 : 320)
            let head = try lab.start("run", job, ["--json"])
            var peak = 0
            while !head.hasEnded {
                peak = max(peak, Self.peak(of: head.pid))
                try await Task.sleep(for: .milliseconds(20))
            }
            let ending = try await head.ending()
            #expect(ending.status == 0, "\(ending.errors)")
            try expectResult(job, files: files)
            #expect(peak > 0)
            #expect(peak <= Self.memory, "\(peak >> 10) MiB resident")
        }
    }

    /// The kernel's own figure, in KiB.
    static func peak(of pid: pid_t) -> Int {
        Shell.text("/proc/\(pid)/status").split(separator: "\n")
            .first { $0.hasPrefix("VmHWM:") }
            .flatMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } } ?? 0
    }
}
