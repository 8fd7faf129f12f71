// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import TestSupport
import Testing

/// Documents as they were when this version of the contract was fixed.
///
/// `RECORD=1` writes them anew and fails, so that nobody takes the writing for a test.
enum Golden {
    private static let folder: String = {
        let file = #filePath
        let cut = file.utf8.lastIndex(of: UInt8(ascii: "/")) ?? file.endIndex
        return String(file[..<cut]) + "/Golden/"
    }()

    static func bytes(_ name: String) throws -> [UInt8] {
        try ChildProcess.contents(of: folder + name)
    }

    /// Compares `bytes` with the file, or records them.
    static func check(
        _ bytes: [UInt8],
        _ name: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        if getenv("RECORD") != nil {
            try ChildProcess.write(bytes, to: folder + name)
            Issue.record("\(name) was recorded", sourceLocation: sourceLocation)
            return
        }
        let golden = try self.bytes(name)
        #expect(
            String(decoding: bytes, as: UTF8.self) == String(decoding: golden, as: UTF8.self),
            sourceLocation: sourceLocation
        )
    }
}

/// One of each document, with an odd name in every place that takes one.
enum Sample {
    static let odd: [UInt8] = Array("caf".utf8) + [0xE9, 0x0A]
    static let time = FileTime(seconds: 1_700_000_000, nanoseconds: 123_456_789)
    static let digest = CRC64NVME(value: 0x0123_4567_89AB_CDEF)
    static let sha = SHA256Digest(of: Array("abc".utf8))

    static func run() throws -> RunID { try RunID("42-0123456789abcdef") }

    static func attempt() throws -> AttemptID {
        try AttemptID("0f8fad5b-d9cb-469f-a165-70867728950e-0a1b2c3d")
    }

    static func layout() throws -> JobLayout {
        JobLayout(prefix: try KeyPrefix("galaxy/test"), instance: try InstanceName("main"))
    }

    static func jobFiles() throws -> JobFiles {
        JobFiles(
            directory: try FilePath("/galaxy/jobs/42"),
            exitCode: try FilePath("/galaxy/jobs/42/galaxy_42.ec"),
            toolStdout: try FilePath("/galaxy/jobs/42/outputs/tool_stdout"),
            toolStderr: try FilePath("/galaxy/jobs/42/outputs/tool_stderr"),
            jobStdout: try FilePath("/galaxy/jobs/42/outputs/job_stdout"),
            jobStderr: try FilePath("/galaxy/jobs/42/outputs/job_stderr")
        )
    }

    static func pack(_ digest: PackDigest = .sha256(sha)) throws -> PackEntry {
        let key = try ObjectKey("galaxy/test/packs/1")
        return PackEntry(key: key, size: 10_240, digest: digest, files: 3)
    }

    static func spec() throws -> RunSpec {
        RunSpec(
            run: try run(),
            layout: try layout(),
            command: [ByteString("/bin/bash"), ByteString("/galaxy/jobs/42/galaxy_42.sh")],
            workingDirectory: try FilePath("/galaxy/jobs/42/working"),
            environment: ["GALAXY_SLOTS": ByteString("4"), "ODD": ByteString(odd)],
            roots: [try FilePath("/galaxy/data"), try FilePath("/galaxy/jobs/42")],
            directories: [
                DirectoryEntry(
                    path: try FilePath("/galaxy/jobs/42/working"),
                    mode: FileMode(0o755),
                    modified: time
                )
            ],
            links: [
                LinkEntry(
                    path: try FilePath("/galaxy/jobs/42/in"),
                    target: ByteString("../../data")
                )
            ],
            packs: [try pack()],
            inputs: [
                InputEntry(
                    path: try FilePath(Array("/galaxy/data/".utf8) + odd),
                    key: try ObjectKey("galaxy/test/stage/1/2"),
                    size: 5_000_000_000,
                    digest: digest,
                    mode: FileMode(0o644),
                    modified: FileTime(seconds: -1, nanoseconds: 5)
                )
            ],
            outputs: [
                OutputEntry(
                    name: "out_file1",
                    path: try FilePath("/galaxy/data/dataset_7.dat"),
                    extraFiles: try FilePath("/galaxy/data/dataset_7_files"),
                    ownObject: true
                )
            ],
            job: try jobFiles(),
            push: PushRules(
                onFailure: .declared,
                leaveBehind: [ByteString("tmp"), ByteString("galaxy_s3")],
                packBelow: 262_144,
                packDigest: .crc64nvme
            ),
            limits: Limits(walltimeSeconds: 3600)
        )
    }

    static func report() throws -> AttemptReport {
        func file(_ path: [UInt8], _ location: PushedFile.Location) throws -> PushedFile {
            PushedFile(
                path: try FilePath(path),
                size: 12,
                digest: digest,
                mode: FileMode(0o600),
                modified: time,
                location: location
            )
        }
        return AttemptReport(
            run: try run(),
            attempt: try attempt(),
            specSHA256: sha,
            worker: "0.1.0",
            tool: ToolOutcome(
                end: .ended,
                exitCode: 3,
                scriptStatus: 0,
                detail: "detail",
                seconds: 1.5,
                cpuSeconds: 2.25,
                peakResidentBytes: 1 << 30
            ),
            files: [
                try file(
                    Array("/galaxy/data/dataset_7.dat".utf8),
                    .object(ObjectKey("galaxy/test/data/main/42-0123456789abcdef/1/0"))
                ),
                try file(Array("/galaxy/jobs/42/working/".utf8) + odd, .pack(0)),
            ],
            directories: try spec().directories,
            links: try spec().links,
            packs: [try pack(.crc64nvme(digest))],
            refused: ["/galaxy/jobs/42/working/fifo was left behind: it is a FIFO"],
            phases: [PhaseReport(name: "push", seconds: 0.5, bytes: 24, files: 2, packed: 1)],
            failure: AttemptFailure(.notStored, message: "too late")
        )
    }

    static func started() throws -> AttemptStarted {
        AttemptStarted(run: try run(), attempt: try attempt(), worker: "0.1.0")
    }

    static func committed() throws -> RunResult {
        RunResult(
            run: try run(),
            verdict: .committed(attempt: try attempt(), reportSHA256: sha)
        )
    }

    static func committedWithReport() throws -> RunResult {
        RunResult(
            run: try run(),
            attempt: try attempt(),
            report: try ContractCoding.encode(report())
        )
    }

    static func ended() throws -> RunResult {
        RunResult(run: try run(), verdict: .ended(reason: .cancelled, message: "by the user"))
    }
}
