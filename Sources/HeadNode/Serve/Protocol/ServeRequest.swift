// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// One line of the plugin's. docs/protocol.md explains every field.
struct ServeRequest: Sendable, Equatable {
    /// The plugin's own number; the answer has it too.
    let id: Int64
    let call: Call

    /// What is asked.
    enum Call: Sendable, Equatable {
        case hello(Hello)
        case submit(Submission)
        case cancel(FilePath)
        case finished(FinishedJob)
        case forget(FilePath)
        case collect(FilePath)
        /// nil asks for the whole.
        case status(FilePath?)
        case shutdown
    }
}

/// Who speaks, and which protocol.
struct Hello: Sendable, Equatable {
    /// The only one this program speaks.
    static let currentProtocol = 1

    var number: Int
    /// The name of the Galaxy server, such as `main.job-handlers.1`.
    var serverName: String
    /// The plugin's release, for the log.
    var plugin: String

    /// Why nobody is served so; nil if all is well.
    var refusal: Refusal? {
        if number != Self.currentProtocol { return .wrongProtocol(number) }
        return ServerName(serverName) == nil
            ? .malformed("server_name has no bytes, or more than \(ServerName.longest).") : nil
    }
}

/// A job to run, or to take up again.
struct Submission: Sendable, Equatable {
    /// Where its description is: the job's name in all that follows.
    var job: FilePath
    /// The run that the plugin has drawn; nil for whichever there is, or a new one.
    var run: RunID?
    var destination: Destination?
}

/// A job that Galaxy has finished, and where its outputs are now.
struct FinishedJob: Sendable, Equatable {
    var job: FilePath
    var run: RunID
    var outputs: [FilePath]
}

/// Where Galaxy sends a job, and how it wants it done.
struct Destination: Sendable, Hashable {
    var name: String
    /// As Galaxy has them, ours and others'.
    var parameters: [String: ParameterValue]
}
