// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import Staging
import TestSupport
import Testing

@testable import HeadNode

extension FailureSample {
    /// What the head has noted, and what the bucket says of a run.
    static let notes: [FailureSample] = [
        FailureSample("run-held-by-another-head") {
            let folder = try JobFolder()
            let job = try FilePath("\(folder.path)/jobs/42")
            let first = try RunFolder(jobDirectory: job)
            return try await folder.error {
                _ = try RunFolder(jobDirectory: job)
                withExtendedLifetime(first) {}
            }
        },
        FailureSample("run-unknown") {
            let folder = try JobFolder()
            return try await folder.error { _ = try RunNotes(folder.description()) }
        },
        FailureSample("run-notes-damaged") {
            let folder = try JobFolder()
            let notes = try RunFolder(jobDirectory: FilePath("\(folder.path)/jobs/42"))
            try folder.write("jobs/42/galaxy_s3/run.json", "{")
            return try await folder.error { _ = try notes.state() }
        },
        FailureSample("run-notes-changed") {
            let folder = try JobFolder()
            let notes = try RunFolder(jobDirectory: FilePath("\(folder.path)/jobs/42"))
            let place = RunPlace(try ScriptedWork.settings.get())
            let digest = SHA256Digest(of: [])
            let state = RunState(run: try run(), descriptionSHA256: digest, place: place)
            let text = String(decoding: try state.note(), as: UTF8.self)
            try folder.write("jobs/42/galaxy_s3/run.json", text.replacing("42-", with: "43-"))
            return try await folder.error { _ = try notes.state() }
        },
        FailureSample("run-notes-newer") {
            let folder = try JobFolder()
            let notes = try RunFolder(jobDirectory: FilePath("\(folder.path)/jobs/42"))
            try folder.write("jobs/42/galaxy_s3/run.json", #"{"version":2}"#)
            return try await folder.error { _ = try notes.state() }
        },
        FailureSample("run-began-elsewhere") {
            let settings = try ScriptedWork.settings.get()
            var before = settings
            before.storage.bucket = "old-bucket"
            let state = RunState(
                run: try run(),
                descriptionSHA256: SHA256Digest(of: []),
                place: RunPlace(before)
            )
            return try await JobFolder().error { try state.check(RunPlace(settings)) }
        },
        FailureSample("run-of-another-description") {
            let place = RunPlace(try ScriptedWork.settings.get())
            var state = RunState(
                run: try run(),
                descriptionSHA256: SHA256Digest(of: []),
                place: place
            )
            state.tries = [RunState.Try(number: 1)]
            let other = SHA256Digest(of: [1])
            return try await JobFolder()
                .error {
                    _ = try RunOpening(
                        noted: state,
                        wanted: nil,
                        descriptionSHA256: other,
                        place: place
                    )
                }
        },
        FailureSample("space-another-galaxy") {
            .refused(try signs().refusal(toFreeBeside: stranger()))
        },
        FailureSample("space-links-of-another-galaxy") {
            .refused(
                GarbageSurvey.refusal(
                    toAbandon: 3,
                    "s3://galaxy-data/galaxy/data/main/7-0123456789abcdef/pod-01234567/0",
                    try InstanceName("main")
                )
            )
        },
        FailureSample("space-a-galaxy-that-lives") {
            .refused(try signs().refusal(toAdopt: stranger()))
        },
        FailureSample("run-ended-without-results") {
            .refused(Recollection.nothing(of: try run(), "The job was cancelled."))
        },
        FailureSample("run-left-by-its-watcher") {
            .refused(
                HeadError(
                    .interrupted,
                    what: "Run \(try run()) goes on without being watched",
                    remedy: "Follow it with galaxy-head-node run."
                )
            )
        },
        reading("result-forged", .result, Array("{}".utf8)),
        reading("report-not-the-committed-one", .report, Array(#"{"version":1}"#.utf8)),
        reading("report-gone", .report, nil),
        record("object-of-another-kind", "{"),
        record("object-of-another-version", #"{"version":9}"#),
    ]

    private static func signs() throws -> GalaxySigns {
        let layout = JobLayout(prefix: try KeyPrefix("galaxy"), instance: try InstanceName("main"))
        return GalaxySigns(store: InMemoryObjectStore(), layout: layout)
    }

    /// What another Galaxy has signed.
    private static func stranger() throws -> GalaxySigns.Found {
        let nonce = String(repeating: "0a", count: 16)
        let sign = DiskSign(
            server: "main.job-handlers.1",
            host: "galaxy-1",
            file: try FilePath("/srv/galaxy/jobs/000/.galaxy-s3-main-main.job-handlers.1"),
            word: nonce
        )
        return GalaxySigns.Found(
            key: try signs().layout.sign(nonce: nonce),
            sign: sign,
            signed: 1_700_000_000
        )
    }

    /// Reads a staging record that is none, or one of another release's.
    private static func record(_ name: String, _ text: String) -> FailureSample {
        FailureSample(name) {
            let store = InMemoryObjectStore()
            let key = try ObjectKey("galaxy/staged/0a1b/2c3d")
            _ = try await store.put(key, bytes: Array(text.utf8))
            return try await JobFolder()
                .error {
                    try await HeadNode.staging("Cannot stage job 42") {
                        () async throws(StagingError) in
                        _ = try await DocumentStore(store)
                            .read(RunResult.self, at: key, name: "record")
                    }
                }
        }
    }

    private enum Document {
        case result
        case report
    }

    /// Reads a document that is not what it should be.
    private static func reading(
        _ name: String,
        _ document: Document,
        _ bytes: [UInt8]?
    ) -> FailureSample {
        FailureSample(name) {
            let store = InMemoryObjectStore()
            let run = try run()
            let desk = ResultDesk(
                store: store,
                settings: try ScriptedWork.settings.get(),
                run: run
            )
            let attempt = try AttemptID("0f8fad5b-d9cb-469f-a165-70867728950e-0a1b2c3d")
            let key =
                document == .result ? desk.layout.result(run) : desk.layout.report(run, attempt)
            if let bytes { _ = try await store.put(key, bytes: bytes) }
            return try await JobFolder()
                .error {
                    switch document {
                    case .result: _ = try await desk.result()
                    case .report:
                        let sha256 = SHA256Digest(of: [])
                        let result = RunResult(
                            run: run,
                            verdict: .committed(attempt: attempt, reportSHA256: sha256)
                        )
                        _ = try await desk.report(of: attempt, sha256: sha256, in: result)
                    }
                }
        }
    }
}
