// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Glibc
import Names
import Staging
import TestSupport
import Testing

@testable import HeadNode

/// A job directory, for as long as it is held; messages call it `/galaxy`.
final class JobFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/galaxy-s3-messages-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try FileManager.default.createDirectory(
            atPath: path + "/jobs/42/outputs",
            withIntermediateDirectories: true
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        try ChildProcess.write(Array(text.utf8), to: "\(path)/\(name)")
    }

    /// The description of job 42 with these inputs and outputs, and what of it is to be wrong.
    func description(
        inputs: [String] = [],
        outputs: [String] = [],
        wrong: String = ""
    ) throws -> JobDescription {
        let job = "\(path)/jobs/42"
        let inputs = inputs.map { #"{"path":"\#(path)/\#($0)"}"# }.joined(separator: ",")
        let outputs = outputs.map { #"{"name":"out_file1","path":"\#(path)/\#($0)"}"# }
            .joined(separator: ",")
        try write(
            "job.json",
            """
            {"version":1,"galaxy_id":"42","tool_id":"wc_gnu","job_directory":"\(job)",
             "working_directory":"\(job)","command":["/bin/bash","\(job)/galaxy_42.sh"],
             "environment":{},"inputs":[\(inputs)],"tool_files":[],"reference_data":[],
             "outputs":[\(outputs)],"exit_code_file":"\(job)/galaxy_42.ec",
             "stdout":"\(job)/outputs/tool_stdout","stderr":"\(job)/outputs/tool_stderr",
             "job_stdout":"\(job)/galaxy_42.o","job_stderr":"\(job)/galaxy_42.e"\(wrong)}
            """
        )
        return try DescriptionFile.read(Array("\(path)/job.json".utf8)).0
    }

    /// What `body` fails with, its texts without what differs from machine to machine.
    func error(_ body: () async throws -> Void) async throws -> FailureSample.Outcome {
        do {
            try await body()
        } catch let error as HeadError {
            return .refused(steady(error))
        }
        throw ChildProcess.Failure(description: "it was done")
    }

    private func steady(_ error: HeadError) -> HeadError {
        var cause = error.cause
        if let staging = cause as? StagingError { cause = steady(staging) }
        return HeadError(
            error.code,
            what: steady(error.what),
            place: steady(error.place),
            remedy: steady(error.remedy),
            cause: cause
        )
    }

    private func steady(_ error: StagingError) -> StagingError {
        StagingError(
            error.code,
            what: steady(error.what),
            place: steady(error.place),
            remedy: steady(error.remedy),
            cause: error.cause
        )
    }

    private func steady(_ text: String) -> String {
        text.replacing(path, with: "/galaxy")
            .replacing("user \(geteuid()) of group \(getegid())", with: "user 450 of group 450")
            .replacing("process \(getpid())", with: "process 4711")
    }
}
