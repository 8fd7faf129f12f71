// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import S3Client

/// Lines for the administrator's log, on standard error: JSON objects, one each. Every state of every run
/// is one, and the last says what has been moved. What cannot be written in time is left out, and counted.
struct ServeLog: Sendable {
    enum Level: String, Encodable, Sendable {
        case info
        case warning
        case error
    }

    private struct Line: Encodable {
        var time: String
        var level: Level
        var message: String
        var job: FilePath?
        var run: RunID?
        var state: ServeState?
        var seq: Int?
        var exitCode: Int?
        var metrics: RunFigures?

        private enum CodingKeys: String, CodingKey {
            case time, level, message, job, run, state, seq, metrics
            case exitCode = "exit_code"
        }
    }

    private let writer: LineWriter

    init(_ writer: LineWriter) { self.writer = writer }

    func write(
        _ level: Level,
        _ message: String
    ) {
        write(Line(time: Self.now, level: level, message: message))
    }

    /// Writes down what the plugin is told.
    func write(_ message: ServeMessage) {
        switch message {
        case .answer: break
        case .refusal(let id, let refusal):
            write(.warning, "Request \(id) was refused: \(refusal.message)")
        case .event(.error(let refusal)): write(.warning, refusal.message)
        case .event(.state(let facts, let end)):
            // Tries that came to nothing, and what the tool left in the pod.
            let hasDetails = end?.details.isEmpty == false
            write(
                Line(
                    time: Self.now,
                    level: facts.state == .failed || hasDetails ? .warning : .info,
                    message: [end?.message, end?.details].compactMap { $0 }.filter { !$0.isEmpty }
                        .joined(separator: "\n"),
                    job: facts.job,
                    run: facts.run,
                    state: facts.state,
                    seq: facts.seq,
                    exitCode: end?.exitCode,
                    metrics: end?.metrics
                )
            )
        case .event(.waiting(let job, let run, let reason)):
            write(Line(time: Self.now, level: .info, message: reason, job: job, run: run))
        case .event(.note(let job, let run, let text, let isTrouble)):
            let level = isTrouble ? Level.warning : .info
            write(Line(time: Self.now, level: level, message: text, job: job, run: run))
        }
    }

    private func write(_ line: Line) {
        guard let bytes = try? ContractCoding.encode(line) else { return }
        writer.write(bytes, canWait: true)
    }

    /// Waits a moment for what is not written yet.
    func flush() async { await writer.flush(within: .seconds(1)) }

    private static var now: String { Timestamp(seconds: Int64(time(nil))).text }
}
