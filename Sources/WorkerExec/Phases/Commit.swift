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
    /// How often a result is put where one is said to be, and none is: whoever mends a damaged one
    /// removes it.
    private static let attempts = 3

    let attempt: Attempt

    /// Stores the report and commits; loses quietly to a result that is there already.
    func callAsFunction(_ report: AttemptReport) async throws(WorkerFailure) {
        let bytes = try encoded(report)
        let mine = RunResult(run: attempt.run, attempt: attempt.id, report: bytes)
        if mine.report == nil {
            _ = try await put(bytes, at: attempt.keys.report(attempt.run, attempt.id))
        }
        let resultBytes = try encoded(mine)
        for _ in 0..<Self.attempts {
            let key = attempt.keys.result(attempt.run)
            if try await put(resultBytes, at: key, condition: .absent) { return }
            guard let first = try await first() else { continue }
            if first != mine { await yield(report) }
            return
        }
        throw WorkerFailure(
            .notStored,
            "The bucket says that run \(attempt.run) has a result and that it has none."
        )
    }

    /// - Returns: whether it is there now; false where something else was, under the condition.
    private func put(
        _ bytes: [UInt8],
        at key: ObjectKey,
        condition: PutCondition? = nil
    ) async throws(WorkerFailure) -> Bool {
        do throws(S3Error) {
            return try await DocumentStore(attempt.patientStore)
                .put(bytes, at: key, condition: condition)
        } catch {
            throw WorkerFailure(error, doing: "commit", toolRan: true)
        }
    }

    /// The result that was first.
    private func first() async throws(WorkerFailure) -> RunResult? {
        do throws(StagingError) { return try await attempt.result() } catch {
            throw WorkerFailure(error, toolRan: true)
        }
    }

    /// Somebody else's result counts: nothing of this attempt may stay.
    private func yield(_ report: AttemptReport) async {
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
