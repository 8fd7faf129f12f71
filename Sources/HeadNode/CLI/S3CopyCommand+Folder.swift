// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Glibc
import S3Client
import Staging

extension S3CopyCommand {
    /// `--recursive`.
    func runRecursive() async throws {
        var status: Int32 = 0
        try await conclude(json: output.json) {
            let (source, target) = (
                RawArguments.bytes(of: source), RawArguments.bytes(of: target)
            )
            let isUpload = S3URL.isURL(target)
            let url = try S3URL(isUpload ? target : source)
            let path = FolderPath(isUpload ? source : target)
            let limits = try limits()
            let (parallel, skipLinks, json) = (parallel, skipLinks, output.json)
            let display = TransferDisplay(
                meter: PhaseMeter(isUpload ? "upload" : "download"),
                isShown: OutputOptions.hasTerminal && !json
            )
            let tally = CopyTally { error in
                display.interrupting { Complaint(error, status: error.exitStatus).show(json: json) }
            }
            let start = Clock.monotonicSeconds()
            let skipped = try await S3Command.with(url, config) { store throws(S3Error) in
                try await display.during { () -> Result<Int, S3Error> in
                    do throws(S3Error) {
                        guard isUpload else {
                            try await FolderDownload(
                                store: store,
                                limits: limits,
                                parallel: parallel,
                                meter: display.meter,
                                tally: tally
                            )
                            .run(below: url.key, to: path)
                            return .success(0)
                        }
                        return .success(
                            try await FolderUpload(
                                store: store,
                                limits: limits,
                                parallel: parallel,
                                skipsLinks: skipLinks,
                                meter: display.meter,
                                tally: tally
                            )
                            .run(from: path, below: url.key)
                        )
                    } catch { return .failure(error) }
                }
                .get()
            }
            let report = FolderCopyReport(
                source: source.logSafe,
                target: target.logSafe,
                count: tally.reading,
                planned: display.meter.reading.totalFiles,
                skippedLinks: skipped,
                seconds: Clock.monotonicSeconds() - start
            )
            report.show(json: json)
            status = report.status
        }
        if status != 0 { throw ExitCode(status) }
    }
}

/// What `s3 cp --recursive` says at its end.
struct FolderCopyReport: Encodable {
    let event = "copied"
    let source: String
    let target: String
    /// Copied, verified, and under their names.
    let files: Int
    let bytes: Int64
    /// Each was named before.
    let failed: Int
    /// Neither copied nor failed, because the copy was stopped.
    let untried: Int
    let skippedLinks: Int
    let seconds: Double
    /// The exit status.
    let status: Int32

    enum CodingKeys: String, CodingKey {
        case event
        case source
        case target
        case files
        case bytes
        case failed
        case untried
        case skippedLinks = "skipped_links"
        case seconds
        case status
    }

    /// - Parameter planned: how many files were to be copied.
    init(
        source: String,
        target: String,
        count: CopyTally.Count,
        planned: Int,
        skippedLinks: Int,
        seconds: Double
    ) {
        self.source = source
        self.target = target
        files = count.files
        bytes = count.bytes
        failed = count.failed
        untried = count.isStopped ? max(0, planned - count.files - count.failed) : 0
        self.skippedLinks = skippedLinks
        self.seconds = seconds
        status = count.isInterrupted ? 130 : count.status
    }

    /// The report as people read it.
    var text: String {
        let rate = seconds > 0 ? ", \(ByteCount.text(Int64(Double(bytes) / seconds)))/s" : ""
        var parts = [
            "\(source) -> \(target): \(files) files, \(ByteCount.text(bytes)) in "
                + "\(Decimals.text(seconds, 2)) s\(rate)"
        ]
        if failed > 0 { parts.append("\(failed) failed") }
        if untried > 0 { parts.append("\(untried) not tried") }
        if skippedLinks > 0 { parts.append("\(skippedLinks) links left out") }
        return parts.joined(separator: "; ")
    }

    func show(json: Bool) {
        if json, let bytes = try? ContractCoding.encode(self) {
            Console.out(String(decoding: bytes, as: UTF8.self))
        } else {
            Console.out(text)
        }
    }
}
