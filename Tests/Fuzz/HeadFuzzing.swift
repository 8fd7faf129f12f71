// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Names
import Staging

@testable import HeadNode
@testable import Kubernetes

enum HeadFuzzing {
    private static let environment = ["HOME": "/home/galaxy", "AWS_REGION": "us-east-1"]

    static func configuration(_ bytes: [UInt8]) {
        var resolver = SettingsResolver(
            file: ConfigFile(bytes, named: "galaxy.yml"),
            environment: environment
        )
        do {
            _ = try resolver.settings()
        } catch {
            let lines = error.lines
            precondition(!lines.isEmpty)
            precondition(lines.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 } }, "one line each")
        }
    }

    static func jobs(_ bytes: [UInt8]) {
        let sources = SettingsSources(
            file: nil,
            environment: environment,
            flags: ["s3.bucket=galaxy", "kubernetes.worker_image=localhost/worker:1"]
        )
        let name = bytes.first == UInt8(ascii: "<") ? "job_conf.xml" : "job_conf.yml"
        let file = JobConfig(bytes, named: name, environment: environment)
        let check = JobConfigCheck(file, sources, executor: .kubernetes)
        let lines = (check.problems + check.warnings).map(\.line)
        precondition(lines.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 } }, "one line each")
    }

    static func description(_ bytes: [UInt8]) {
        let data = Data(bytes)
        guard let description = try? JSONDecoder().decode(JobDescription.self, from: data) else {
            return
        }
        try? description.validate()
    }

    static func requests(_ bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            do throws(RequestCoding.Misunderstanding) {
                _ = try RequestCoding.decode(Array(line))
            } catch {
                let answer: ServeMessage =
                    if let id = error.id { .refusal(id, error.refusal) } else {
                        .event(.error(error.refusal))
                    }
                precondition(!MessageCoding.encode(answer).contains(UInt8(ascii: "\n")))
            }
        }
    }

    /// What is told of a run that ended with this report.
    static func tell(_ report: AttemptReport, of job: FilePath) {
        let ending = RunEnding(report, adding: [])
        let table = SummaryTable(report.run, ending, ending.phases, [:]).text
        precondition(table.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0A }, "nothing moves a cursor")
        var run = ServedRun(job: job, run: report.run)
        for event in run.finish(ending) {
            precondition(!MessageCoding.encode(.event(event)).contains(UInt8(ascii: "\n")))
        }
    }

    /// What a terminal shows of a frame.
    static func show(_ frame: WorkerFrame) {
        guard
            case .progress(let phase, let bytes, let totalBytes, let files, let totalFiles) = frame
        else { return }
        var reading = PhaseMeter.Reading()
        reading.bytes = bytes
        reading.totalBytes = totalBytes
        reading.files = files
        reading.totalFiles = totalFiles
        for seconds in [0, 0.3, 1e6] {
            let text = ProgressLine(phase: phase, reading: reading, seconds: seconds).text
            precondition(text.utf8.allSatisfy { $0 >= 0x20 })
        }
    }

    static func watch(_ bytes: [UInt8]) {
        _ = ServerStatus(bytes)
        var splitter = LineSplitter(limit: 1 << 20)
        bytes.withUnsafeBytes { splitter.take($0, each: read) }
        splitter.finish(each: read)
    }

    private static func read(_ line: ArraySlice<UInt8>) {
        _ = try? WatchLine<Job>(Array(line))
        guard case .changed(let pod)? = try? WatchLine<Pod>(Array(line)) else { return }
        for roles in [PodRoles.split, .single] {
            let seen = TrySighting(job: nil, pods: [pod], roles: roles)
            var judge = TryJudge(TryJudge.Limits(schedule: 1, image: 1, container: 1))
            for now in [0.0, 1, 1e6] { _ = judge(seen, isComplete: true, now: now) }
        }
    }
}
