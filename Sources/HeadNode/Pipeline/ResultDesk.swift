// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import Staging

/// Reads the one result of a run, and competes for it on the head's behalf.
struct ResultDesk: Sendable {
    let store: any ObjectStore
    let bucket: String
    let layout: JobLayout
    let run: RunID

    init(
        store: any ObjectStore,
        settings: Settings,
        run: RunID
    ) {
        self.store = store
        bucket = settings.storage.bucket
        layout = JobLayout(prefix: settings.prefix, instance: settings.instance)
        self.run = run
    }

    /// The result, if somebody has stored one.
    ///
    /// - Throws: `.damaged` when what is there is another run's or version's, `.store` when it is none.
    func result() async throws(HeadError) -> RunResult? {
        let key = layout.result(run)
        let found = try await storing("Cannot learn how run \(run) ended") {
            () async throws(S3Error) in
            try await DocumentStore(store).document(RunResult.self, at: key, name: "result")
        }
        guard let found else { return nil }
        do throws(ContractError) {
            let result = try found.get()
            guard result.run == run else {
                throw ContractError(.foreign, what: "It speaks of run \(result.run)")
            }
            return result
        } catch {
            throw HeadError(
                .damaged,
                what: "The result of run \(run) cannot be used",
                place: url(key),
                remedy: "Find out who wrote it, remove it by `galaxy-head-node s3 rm \(url(key))`, "
                    + "then run the job again.",
                cause: error
            )
        }
    }

    /// Ends the run for `reason`, unless it has a result.
    ///
    /// - Returns: the result that counts: this one, or the one that was first.
    func end(
        _ reason: RunResult.EndReason,
        _ message: String
    ) async throws(HeadError) -> RunResult {
        let mine = RunResult(run: run, verdict: .ended(reason: reason, message: message))
        let bytes: [UInt8]
        do throws(ContractError) {
            bytes = try ContractCoding.encode(mine)
        } catch {
            throw HeadError(.machine, what: error.what)
        }
        let isFirst = try await storing("Cannot end run \(run)") { () async throws(S3Error) in
            try await DocumentStore(store).put(bytes, at: layout.result(run), condition: .absent)
        }
        if isFirst { return mine }
        guard let winner = try await result() else {
            throw HeadError(
                .store,
                what: "The bucket says that run \(run) has a result and that it has none",
                place: layout.result(run).logSafe,
                remedy: "Run galaxy-head-node doctor: conditional puts do not work as they must."
            )
        }
        return winner
    }

    /// The report that a committed result names, from the result itself or its own object; its digest
    /// must be the named one.
    ///
    /// - Throws: `.damaged` when what is there is not that report.
    func report(
        of attempt: AttemptID,
        sha256: SHA256Digest,
        in result: RunResult
    ) async throws(HeadError) -> AttemptReport {
        let key = result.report == nil ? layout.report(run, attempt) : layout.result(run)
        var bytes = result.report?.bytes
        if bytes == nil {
            bytes = try await storing("Cannot read the report of run \(run)") {
                () async throws(S3Error) in
                try await DocumentStore(store).bytes(key, sha256: sha256, name: "report")
            }
        }
        guard let bytes, SHA256Digest(of: bytes) == sha256 else {
            throw HeadError(
                .damaged,
                what: bytes == nil
                    ? "The report of run \(run) is not there"
                    : "The report of run \(run) is not the one that was committed",
                place: url(key),
                remedy: Self.reportRemedy
            )
        }
        do throws(ContractError) {
            let report = try ContractCoding.decode(AttemptReport.self, from: bytes, name: "report")
            guard report.run == run, report.attempt == attempt else {
                throw ContractError(.foreign, what: "The report speaks of another run or attempt")
            }
            return report
        } catch {
            throw HeadError(
                .damaged,
                what: "The report of run \(run) cannot be used",
                place: url(key),
                remedy: Self.reportRemedy,
                cause: error
            )
        }
    }

    private static let reportRemedy =
        "Find out what removed or overwrote it, then run the job again; nothing of this run was used."

    private func url(_ key: ObjectKey) -> String { "s3://\(bucket)/\(key.logSafe)" }
}
