// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials
import Kubernetes
import Names
import S3Client
import Staging
import Testing

@testable import HeadNode

/// One way to fail, brought about by the code that fails so, and what the programs hand on of it.
struct FailureSample: Sendable, CustomTestStringConvertible {
    /// What came of it.
    enum Outcome: Sendable {
        /// A command could not do its work, or a request of the plugin's is refused.
        case refused(HeadError)
        /// The configuration cannot be used.
        case misconfigured(ConfigError)
        /// A run has ended.
        case ended(RunEnding)
    }

    let name: String
    let make: @Sendable () async throws -> Outcome

    var testDescription: String { name }

    init(_ name: String, _ make: @escaping @Sendable () async throws -> Outcome) {
        self.name = name
        self.make = make
    }

    static let all = configuration + store + files + cluster + notes + tries + tools

    static func run() throws -> RunID { try RunID("42-0123456789abcdef") }
    static func id() throws -> TryID { TryID(run: try run(), number: 1) }
    static func key() throws -> ObjectKey { try ObjectKey("galaxy/stage/0a1b/2c3d") }
}

extension FailureSample.Outcome {
    /// What a terminal shows.
    var terminal: String {
        get throws {
            switch self {
            case .refused(let error): Complaint(error, status: error.exitStatus).line
            case .misconfigured(let error): error.lines.joined(separator: "\n")
            case .ended(let ending):
                SummaryTable(try FailureSample.run(), ending, [], [:]).text
            }
        }
    }

    /// What `--json` prints.
    var json: String {
        get throws {
            switch self {
            case .refused(let error):
                try Self.text(Complaint(error, status: error.exitStatus))
            case .misconfigured(let error):
                try error.problems
                    .map {
                        try Self.text(Complaint(ConfigError([$0]), status: ConfigError.exitStatus))
                    }
                    .joined(separator: "\n")
            case .ended(let ending):
                try RunEventLine(.ended(FailureSample.run(), ending)).line()
            }
        }
    }

    /// What Galaxy's plugin is told.
    var plugin: String {
        get throws {
            let message: ServeMessage
            switch self {
            case .refused(let error): message = .refusal(1, Refusal(error))
            case .misconfigured(let error): message = .refusal(1, Refusal(error))
            case .ended(let ending):
                var run = ServedRun(
                    job: try FilePath("/galaxy/jobs/42/job.json"),
                    run: try FailureSample.run()
                )
                message = .event(try #require(run.finish(ending).last))
            }
            return String(decoding: MessageCoding.encode(message), as: UTF8.self)
        }
    }

    /// The kinds of all errors that led to it, as `HeadError.store`.
    var kinds: Set<String> {
        guard case .refused(let error) = self else { return [] }
        let chain = sequence(first: error as any Error) { ($0 as? any ExplainedError)?.cause }
        return Set(
            chain.compactMap { cause in
                (cause as? any ExplainedError).map { "\(type(of: cause)).\($0.codeName)" }
            }
        )
    }

    private static func text(_ complaint: Complaint) throws -> String {
        String(decoding: try ContractCoding.encode(complaint), as: UTF8.self)
    }
}
