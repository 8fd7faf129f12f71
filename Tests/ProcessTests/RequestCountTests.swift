// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What a job asks of the bucket beside its large files (invariant 10; docs/performance.md has the list).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct RequestCountTests {
    @Test func anEmptyJobCostsItsWorkerSixRequests() async throws {
        try await FaultyStore.run { store in
            let lab = store.lab
            let job = try GalaxyJob(folder: lab.folder, tool: "")
            try job.write(description: empty(job))
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? "")")
            let folder = "\(lab.prefix)/jobs/lab/\(try #require(answer.run))/"
            let requests = try store.requests()
            // The head's last before it begins a try, and the worker's last.
            let look = try #require(
                requests.firstIndex { $0.key == folder + "result.json" }
            )
            let result = try #require(
                requests.lastIndex {
                    $0.key == folder + "result.json" && $0.operation == "PutObject"
                }
            )
            let seen = requests[(look + 1)...result]
                .map { request in
                    let name = request.key.replacing(folder, with: "")
                        .replacing(/attempts\/[^\/]*/, with: "attempt")
                        .replacing(/^pack\/.*/, with: "pack")
                    return "\(request.operation) \(name)"
                }
            #expect(
                seen.sorted() == [
                    "GetObject pack", "GetObject result.json", "GetObject spec.json",
                    "PutObject attempt/job/0", "PutObject attempt/started.json",
                    "PutObject result.json",
                ]
            )
        }
    }

    /// A tool without inputs or outputs that does nothing, in a job directory of small files.
    private func empty(_ job: GalaxyJob) -> String {
        let script = ": > tool_stdout; : > tool_stderr; echo 0 > \(job.exitCodeFile)"
        return """
            {"version": 1, "galaxy_id": "\(job.id)", "tool_id": "test",
             "job_directory": "\(job.directory)", "working_directory": "\(job.outputs)",
             "command": ["/bin/sh", "-c", "\(script)"], "environment": {},
             "inputs": [], "tool_files": [], "reference_data": [], "outputs": [],
             "exit_code_file": "\(job.exitCodeFile)",
             "stdout": "\(job.outputs)/tool_stdout", "stderr": "\(job.outputs)/tool_stderr",
             "job_stdout": "\(job.directory)/galaxy_\(job.id).o",
             "job_stderr": "\(job.directory)/galaxy_\(job.id).e"}
            """
    }
}
