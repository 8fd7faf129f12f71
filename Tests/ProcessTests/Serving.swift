// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Synchronization
import TestSupport

/// A `galaxy-head-node serve` and the plugin's end of its pipes.
final class Serving: Sendable {
    /// A line of the server's, as far as tests look at it.
    struct Said: Decodable, Sendable {
        struct Result: Decodable, Sendable {
            var run: String?
            var state: String?
            var seq: Int?
            var pid: Int32?
            var metrics: String?
            var jobs: [String: Int]?
        }

        struct Failure: Decodable, Sendable {
            var code: String
            var message: String
            var retryable: Bool
        }

        struct Metrics: Decodable, Sendable {
            struct Phase: Decodable, Sendable {
                var seconds: Double
                var bytes: Int64
            }

            var phases: [String: Phase]
            var tries: Int
        }

        var id: Int?
        var result: Result?
        var error: Failure?
        var event: String?
        var job: String?
        var run: String?
        var state: String?
        var seq: Int?
        var message: String?
        var text: String?
        var exit_code: Int?
        var metrics: Metrics?
    }

    let program: RunningProgram
    private let lab: Lab
    private let input: Mutex<Int32>
    private let ids = Counter()

    /// Starts it; `hello` is up to the test.
    init(
        _ lab: Lab,
        _ options: [String] = [],
        environment changes: [String: String] = [:],
        headNode: String? = nil,
        through wrapper: [String] = []
    ) throws {
        self.lab = lab
        let streams = "\(lab.folder)/streams/serve-\(Lab.serial.next())"
        try Shell.run("mkfifo \(streams).in")
        // Both ends, so that opening waits for nobody; the program's reading end sees the end when
        // this is closed.
        let raw = open("\(streams).in", O_RDWR | O_CLOEXEC)
        guard raw >= 0 else { throw ChildProcess.Failure(description: "cannot open a FIFO") }
        input = Mutex(raw)
        program = try RunningProgram(
            wrapper + [headNode ?? lab.programs.headNode, "serve"] + lab.settings + options,
            environment: lab.environment.merging(changes) { $1 },
            input: "\(streams).in",
            streams: streams
        )
    }

    deinit { hangUp() }

    /// Starts it and says hello.
    static func begin(
        _ lab: Lab,
        _ options: [String] = [],
        environment: [String: String] = [:],
        headNode: String? = nil
    ) async throws -> (serving: Serving, hello: Said) {
        let serving = try Serving(lab, options, environment: environment, headNode: headNode)
        return (serving, try await serving.greet())
    }

    // MARK: Speaking

    @discardableResult
    func greet(_ server: String = "main") async throws -> Said {
        try await ask(
            "hello",
            #"{"protocol":1,"server_name":"\#(server)","plugin":"test"}"#
        )
    }

    /// Writes a line.
    func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        input.withLock { raw in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(raw, $0.baseAddress, $0.count) }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Sends a request.
    ///
    /// - Returns: its number.
    @discardableResult
    func send(
        _ method: String,
        _ params: String = "{}"
    ) -> Int {
        let id = ids.next()
        say(#"{"id":\#(id),"method":"\#(method)","params":\#(params)}"#)
        return id
    }

    @discardableResult
    func send(
        _ method: String,
        _ job: GalaxyJob,
        _ more: String = ""
    ) -> Int {
        send(method, #"{"job":"\#(job.description)"\#(more)}"#)
    }

    /// Sends a request and waits for its answer.
    @discardableResult
    func ask(
        _ method: String,
        _ params: String = "{}"
    ) async throws -> Said {
        try await answer(to: send(method, params))
    }

    @discardableResult
    func ask(
        _ method: String,
        _ job: GalaxyJob,
        _ more: String = ""
    ) async throws -> Said {
        try await answer(to: send(method, job, more))
    }

    /// Closes its standard input.
    func hangUp() {
        input.withLock { raw in
            if raw >= 0 { close(raw) }
            raw = -1
        }
    }

    // MARK: Listening

    /// Everything it has said so far, whole lines only.
    var said: [Said] {
        get throws {
            let text = program.output
            let whole = text.utf8.lastIndex(of: UInt8(ascii: "\n")).map { text[...$0] } ?? ""
            return try whole.split(separator: "\n")
                .map { try JSONDecoder().decode(Said.self, from: Data($0.utf8)) }
        }
    }

    /// Waits for something that it says.
    func hear(
        _ what: String,
        _ isIt: (Said) -> Bool
    ) async throws -> Said {
        var found: Said?
        do {
            try await Patience.long.wait(what) {
                found = try said.first(where: isIt)
                return found != nil || program.hasEnded
            }
        } catch {
            throw ChildProcess.Failure(description: "\(error); it had said: \(program.output)")
        }
        guard let found else {
            throw ChildProcess.Failure(
                description: "it ended before \(what): \(program.output)\(program.errors)"
            )
        }
        return found
    }

    func answer(to id: Int) async throws -> Said {
        try await hear("the answer to \(id)") { $0.id == id }
    }

    /// Waits until a job is in one of these states.
    @discardableResult
    func hear(
        _ job: GalaxyJob,
        _ states: String...
    ) async throws -> Said {
        try await hear("job \(job.id) to be \(states)") { said in
            said.event == "state" && said.job == job.description
                && states.contains(said.state ?? "")
        }
    }

    /// The states that a job went through, in order.
    func states(of job: GalaxyJob) throws -> [String] {
        try said.filter { $0.event == "state" && $0.job == job.description }.compactMap(\.state)
    }

    static let finalStates = [
        "ok", "tool_failed", "memory_limit_reached", "walltime_reached", "failed", "cancelled",
    ]

    @discardableResult
    func hearEnd(of job: GalaxyJob) async throws -> Said {
        try await hear("the end of job \(job.id)") { said in
            said.event == "state" && said.job == job.description
                && Self.finalStates.contains(said.state ?? "")
        }
    }
}
