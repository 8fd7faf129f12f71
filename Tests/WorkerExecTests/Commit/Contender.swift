// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import FoundationEssentials
import Glibc
import Names
import S3Client
import Staging
import TestSupport
import Testing
import Transport

@testable import WorkerExec

/// One of several attempts at the same run, in a volume of its own, whose tool has just ended.
final class Contender: Sendable {
    /// What its tool has written.
    let text: String
    let attempt: Attempt
    /// One for each request.
    let turns = Turns()
    private let folder: String

    static func spec() throws -> RunSpec {
        let job = try FilePath("/galaxy/jobs/42")
        return RunSpec(
            run: try RunID("42-0123456789abcdef"),
            layout: JobLayout(prefix: try KeyPrefix("galaxy"), instance: try InstanceName("main")),
            command: [ByteString("/bin/bash")],
            workingDirectory: job,
            environment: [:],
            roots: [try FilePath("/galaxy/data"), job],
            directories: [],
            links: [],
            packs: [],
            inputs: [],
            outputs: [
                OutputEntry(
                    name: "out",
                    path: try FilePath("/galaxy/data/out.dat"),
                    extraFiles: nil,
                    ownObject: true
                )
            ],
            job: JobFiles(
                directory: job,
                exitCode: try job.appending("ec"),
                toolStdout: try job.appending("tool_stdout"),
                toolStderr: try job.appending("tool_stderr"),
                jobStdout: try job.appending("job_stdout"),
                jobStderr: try job.appending("job_stderr")
            ),
            push: PushRules(onFailure: .all, leaveBehind: [], packBelow: 1 << 20),
            // One request after the other.
            limits: Limits(transfers: 1)
        )
    }

    init(_ text: String, in bucket: MemoryBucket) throws {
        self.text = text
        var template = Array("/tmp/galaxy-s3-contender-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for name in [PodVolume.root(0), PodVolume.root(1)] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)",
                withIntermediateDirectories: true
            )
        }
        let bytes = Array(text.utf8)
        try ChildProcess.write(bytes, to: "\(folder)/\(PodVolume.root(0))/out.dat")
        try ChildProcess.write(bytes, to: "\(folder)/\(PodVolume.root(1))/tool_stdout")
        let spec = try Self.spec()
        let specBytes = try ContractCoding.encode(spec)
        attempt = Attempt(
            id: try AttemptID(drawnFor: text),
            spec: spec,
            specSHA256: SHA256Digest(of: specBytes),
            specBytes: specBytes,
            store: try Self.store(bucket, turns),
            state: try StateFolder(path: FilePath("\(folder)/state")),
            volume: try VolumeFolder(path: FilePath(folder))
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Everything that an attempt does when its tool has ended.
    ///
    /// - Parameter detail: what is said of the tool.
    func push(_ detail: String? = nil) async throws {
        defer { turns.end() }
        let null = open("/dev/null", O_WRONLY)
        try #require(null >= 0)
        defer { close(null) }
        let phase = PushPhase(
            attempt: attempt,
            fetched: FetchPhase.HandOver(phase: PhaseReport(name: "fetch", seconds: 0), stamps: []),
            frames: FrameWriter(to: null)
        )
        try await phase(ToolOutcome(end: .ended, exitCode: 0, scriptStatus: 0, detail: detail))
    }

    /// The last step alone, with a report that says so of one file.
    func commit(refusing refusal: String) async throws {
        defer { turns.end() }
        let report = AttemptReport(
            run: attempt.run,
            attempt: attempt.id,
            specSHA256: attempt.specSHA256,
            worker: Release.version,
            tool: ToolOutcome(end: .ended, exitCode: 0, scriptStatus: 0),
            files: [],
            directories: [],
            links: [],
            packs: [],
            refused: [refusal],
            lost: [],
            phases: []
        )
        try await Commit(attempt: attempt)(report)
    }

    /// What an attempt says of itself that came to nothing, as often as it is tried.
    func fail(_ messages: [String]) async {
        defer { turns.end() }
        for message in messages {
            await Commit(attempt: attempt).failed(WorkerFailure(.bug, message), tool: nil)
        }
    }

    private static func store(_ bucket: MemoryBucket, _ turns: Turns) throws -> S3Store {
        let keys = Credentials(accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretKey: Redacted("secret"))
        return S3Store(
            options: try StorageOptions(
                endpoint: S3Endpoint(
                    url: "https://s3.example.org",
                    bucket: "bucket",
                    region: "us-east-1",
                    addressing: .path
                ),
                region: "us-east-1"
            ),
            credentials: FixedCredentials(keys),
            transport: ScriptedTransport { seen in
                await turns.take()
                return bucket.answer(seen)
            },
            budget: RetryBudget(),
            clock: VirtualClock().storeClock
        )
    }
}
