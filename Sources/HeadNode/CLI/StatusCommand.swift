// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Staging

/// Where a run is.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say where a job's last run is."
    )

    @OptionGroup var job: JobOptions
    @OptionGroup var output: OutputOptions

    /// What is said, for programs.
    private struct Answer: Encodable {
        var run: RunID
        var state: String
        var tries: Int
        var exitCode: Int?
        var message: String

        enum CodingKeys: String, CodingKey {
            case run
            case state
            case tries
            case exitCode = "exit_code"
            case message
        }
    }

    func run() async throws {
        try await conclude(json: output.json) {
            let (description, _) = try job.description()
            let session = try await Session(job.config.settings())
            let notes = try RunNotes(description)
            let answer = try await answer(notes, try notes.desk(session))
            if output.json {
                Console.out(String(decoding: try ContractCoding.encode(answer), as: UTF8.self))
            } else {
                let message = answer.message.isEmpty ? "" : "  \(answer.message)"
                let tries = answer.tries == 0 ? "" : "  try \(answer.tries)"
                Console.out("\(answer.run)  \(answer.state)\(tries)\(message)")
            }
        }
    }

    private func answer(
        _ notes: RunNotes,
        _ desk: ResultDesk
    ) async throws(HeadError) -> Answer {
        let state = notes.state
        var answer = Answer(run: state.run, state: "staging", tries: state.tries.count, message: "")
        if let ending = state.ending {
            answer.state = ending.state.rawValue
            answer.exitCode = ending.exitCode
            answer.message = ending.message
        } else if let result = try await desk.result() {
            switch result.verdict {
            case .committed: answer.state = "committed"
            case .ended(let reason, let message):
                answer.state = reason.rawValue
                answer.message = message
            }
        } else if !state.tries.isEmpty {
            answer.state = "running"
        }
        return answer
    }
}
