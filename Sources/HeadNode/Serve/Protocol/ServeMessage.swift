// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// One line for the plugin: the answer to a request, or an event. docs/protocol.md explains every
/// field.
enum ServeMessage: Sendable, Equatable {
    case answer(Int64, Answer)
    case refusal(Int64, Refusal)
    case event(ServeEvent)

    /// What a request came to.
    enum Answer: Sendable, Equatable {
        case hello(ServerFacts)
        case run(RunFacts)
        case collected(RunFacts, EndFacts)
        case summary([String: Int])
        case done
    }
}

/// Who answers.
struct ServerFacts: Encodable, Sendable, Equatable {
    var number = Hello.currentProtocol
    var version = Release.version
    var pid: Int32
    var instance: InstanceName
    var executor: String
    /// Where metrics can be read; nil for nowhere.
    var metrics: String?

    private enum CodingKeys: String, CodingKey {
        case number = "protocol"
        case version
        case pid
        case instance
        case executor
        case metrics
    }
}

/// Where a run is.
struct RunFacts: Encodable, Sendable, Equatable {
    var job: FilePath
    var run: RunID
    var state: ServeState
    /// The number of the last `state` event of this job; 0 before the first.
    var seq: Int
    /// What it waits for, if it is known to wait.
    var waiting: String?
}

/// Something that the plugin is told unasked.
enum ServeEvent: Sendable, Equatable {
    case state(RunFacts, EndFacts?)
    case waiting(FilePath, RunID, reason: String)
    /// - Parameter isTrouble: whether a person should see it; the log says so.
    case note(FilePath?, RunID?, text: String, isTrouble: Bool)
    /// A line that is no request.
    case error(Refusal)
}

/// How a run ended.
struct EndFacts: Encodable, Sendable, Equatable {
    /// For the user who sees the job; empty when there is nothing to add.
    var message: String
    /// For the administrator; empty when the message says it all.
    var details: String
    /// The tool's own; nil when there is none.
    var exitCode: Int?
    var metrics: RunFigures?

    private enum CodingKeys: String, CodingKey {
        case message
        case details
        case exitCode = "exit_code"
        case metrics
    }
}

/// What a run has cost.
struct RunFigures: Encodable, Sendable, Equatable {
    struct Phase: Encodable, Sendable, Equatable {
        var seconds: Double
        var bytes: Int64
        var files: Int
    }

    /// By name: `stage`, `fetch`, `tool`, `push`, `collect`; those that are known.
    var phases: [String: Phase] = [:]
    var bytesIn: Int64 = 0
    var bytesOut: Int64 = 0
    var cpuSeconds: Double = 0
    var peakMemoryBytes: Int64 = 0
    var tries: Int = 0

    private enum CodingKeys: String, CodingKey {
        case phases
        case bytesIn = "bytes_in"
        case bytesOut = "bytes_out"
        case cpuSeconds = "cpu_seconds"
        case peakMemoryBytes = "peak_memory_bytes"
        case tries
    }
}
