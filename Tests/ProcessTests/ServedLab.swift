// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import TestSupport

/// `galaxy-head-node serve` as Galaxy's plugin has it: requests go in line by line, and what it says
/// is read when it is looked for.
struct ServedLab {
    let program: RunningProgram
    private let requests: String

    /// What the plugin is told: answers and events.
    struct Line: Decodable {
        var id: Int?
        var event: String?
        var job: String?
        var state: String?
        var text: String?
        var reason: String?
        var message: String?
        var seq: Int?
    }

    /// Starts it and says hello.
    init(
        _ lab: Lab,
        _ options: [String]
    ) throws {
        requests = "\(lab.folder)/requests"
        try Shell.run(": > \(requests)")
        // Its input ends when the test's folder does, or with `shutdown`.
        let head = ([lab.programs.headNode, "serve"] + lab.settings + options)
            .map { "'\($0)'" }.joined(separator: " ")
        program = try RunningProgram(
            ["/bin/bash", "-c", "tail -n +1 -f \(requests) | exec \(head)"],
            environment: lab.environment,
            streams: "\(lab.folder)/streams/serve"
        )
        try ask("hello", #"{"protocol": 1, "server_name": "test", "plugin": "test"}"#)
    }

    /// Writes a request.
    func ask(
        _ method: String,
        _ parameters: String
    ) throws {
        let id = Self.serial.next()
        try Shell.run(
            """
            cat >> \(requests) << 'END'
            {"id": \(id), "method": "\(method)", "params": \(parameters)}
            END
            """
        )
    }

    func submit(_ job: GalaxyJob) throws {
        try ask("submit", #"{"job": "\#(job.description)"}"#)
    }

    /// All that has been said so far in whole lines.
    func lines() throws -> [Line] {
        let text = program.output
        return try text[..<(text.lastIndex(of: "\n") ?? text.startIndex)].split(separator: "\n")
            .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    /// The last state of each job, by its description.
    func states() throws -> [String: String] {
        try lines().filter { $0.event == "state" }
            .reduce(into: [:]) { $0[$1.job ?? ""] = $1.state }
    }

    private static let serial = Counter()
}
