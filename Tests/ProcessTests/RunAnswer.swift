// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import TestSupport

/// What `galaxy-head-node run --json` says: one object a line.
struct RunAnswer {
    struct Line: Decodable {
        struct Ending: Decodable {
            var state: String
            var exitCode: Int?
            var message: String
            var refused: [String]

            enum CodingKeys: String, CodingKey {
                case state, message, refused
                case exitCode = "exit_code"
            }
        }

        /// What a phase has cost.
        struct Report: Decodable {
            var name: String
            var seconds: Double
            var retries: Int
        }

        var event: String
        var run: String?
        var report: Report?
        var resumed: Bool?
        var phase: String?
        var text: String?
        var attempt: Int?
        var base64: String?
        var ending: Ending?
        var code: String?
        var message: String?

        enum CodingKeys: String, CodingKey {
            case event, run, report, resumed, phase, text, base64, ending, code, message
            case attempt = "try"
        }
    }

    let lines: [Line]

    /// - Throws: if a line is no JSON object of ours.
    init(_ ending: RunningProgram.Ending) throws {
        lines = try ending.output.split(separator: "\n")
            .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    var ending: Line.Ending? { lines.last { $0.event == "ended" }?.ending }
    var run: String? { lines.first { $0.event == "began" }?.run }
    var isResumed: Bool? { lines.first { $0.event == "began" }?.resumed }
    var error: Line? { lines.first { $0.event == "error" } }
    /// The reasons why tries came to nothing.
    var failedTries: [String] { lines.filter { $0.event == "try_ended" }.compactMap(\.text) }
    /// What each phase has cost, in the order of their ends.
    var reports: [Line.Report] { lines.filter { $0.event == "phase_ended" }.compactMap(\.report) }
    /// How many bytes of base64 live output came.
    var liveBytes: Int { lines.reduce(0) { $0 + ($1.base64?.utf8.count ?? 0) / 4 * 3 } }
}

extension Lab {
    /// Runs the job to its end and reads what is said.
    func run(
        _ job: GalaxyJob,
        _ options: [String] = [],
        patience: Patience = .long
    ) async throws -> (status: Int32, answer: RunAnswer) {
        let ending = try await start("run", job, ["--json"] + options).ending(patience)
        return (ending.status, try RunAnswer(ending))
    }
}
