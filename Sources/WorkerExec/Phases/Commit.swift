// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Staging

/// The last step of an attempt: its report, and the one word that makes it count; in one request, if
/// the report is short.
struct Commit: Sendable {
    let attempt: Attempt

    /// Stores the report and commits; loses quietly to a result that is there already.
    func callAsFunction(_ report: AttemptReport) async throws(WorkerFailure) {
        let bytes = try encoded(report)
        let result = RunResult(run: attempt.run, attempt: attempt.id, report: bytes)
        let documents = DocumentStore(attempt.patientStore)
        let resultBytes = try encoded(result)
        do throws(S3Error) {
            if result.report == nil {
                try await documents.put(bytes, at: attempt.keys.report(attempt.run, attempt.id))
            }
            let isFirst = try await documents.put(
                resultBytes,
                at: attempt.keys.result(attempt.run),
                condition: .absent
            )
            if isFirst { return }
        } catch {
            throw WorkerFailure(error, doing: "commit", toolRan: true)
        }
        try await yield(to: result, report)
    }

    /// Somebody else's result counts: nothing of this attempt may stay.
    private func yield(
        to mine: RunResult,
        _ report: AttemptReport
    ) async throws(WorkerFailure) {
        do throws(StagingError) {
            guard try await attempt.result() != mine else { return }
        } catch {
            throw WorkerFailure(error, toolRan: true)
        }
        FrameWriter.complain("Another result of run \(attempt.run) was first; this one is removed.")
        var pushed = PushRun.Pushed()
        pushed.files = report.files
        pushed.packs = report.packs
        let own = [
            attempt.keys.report(attempt.run, attempt.id),
            attempt.keys.started(attempt.run, attempt.id),
        ]
        do throws(S3Error) {
            try await attempt.store.delete(pushed.keys + own)
        } catch {
            // What is left is found by gc: no record, link or result names it.
            FrameWriter.complain(error.line)
        }
    }

    /// A report of an attempt that does not count, so that somebody can read why.
    func failed(
        _ failure: WorkerFailure,
        tool: ToolOutcome?
    ) async {
        let notStarted = ToolOutcome(end: .notStarted, exitCode: nil, scriptStatus: nil)
        let report = AttemptReport(
            run: attempt.run,
            attempt: attempt.id,
            specSHA256: attempt.specSHA256,
            worker: Release.version,
            tool: tool ?? notStarted,
            files: [],
            directories: [],
            links: [],
            packs: [],
            refused: [],
            phases: [],
            failure: AttemptFailure(failure.exit, message: failure.message)
        )
        guard let bytes = try? ContractCoding.encode(report) else { return }
        // The exit status and the message on standard error say the same; a store that is away
        // cannot be told.
        let store = attempt.store.with(
            policy: RetryPolicy(attempts: 3, time: .seconds(5), whenBudgetIsEmpty: .fail)
        )
        // One that is there may be committed, though the answer was lost.
        let key = attempt.keys.report(attempt.run, attempt.id)
        _ = try? await DocumentStore(store).put(bytes, at: key, condition: .absent)
    }

    private func encoded(_ value: some Encodable) throws(WorkerFailure) -> [UInt8] {
        do throws(ContractError) {
            return try ContractCoding.encode(value)
        } catch {
            throw WorkerFailure(.bug, error)
        }
    }
}
