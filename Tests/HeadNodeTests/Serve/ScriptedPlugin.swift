// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Names
import Synchronization
import TestSupport

@testable import HeadNode

/// Speaks to a server whose runs are scripted, as the plugin would over two pipes.
final class ScriptedPlugin: Sendable {
    let work = ScriptedWork()
    let metrics = RunMetrics()
    private let heard = Mutex<[ServeMessage]>([])
    private let lines: AsyncStream<LineReader.Line>
    private let input: AsyncStream<LineReader.Line>.Continuation
    private let hasEnded = Mutex(false)

    init() { (lines, input) = AsyncStream.makeStream(of: LineReader.Line.self) }

    // MARK: What the plugin does

    func say(_ text: String) { input.yield(.bytes(Array(text.utf8))) }

    func say(_ line: LineReader.Line) { input.yield(line) }

    /// The next line of the server's.
    func hear() async throws -> String {
        var next: ServeMessage?
        try await Patience.long.wait("the server to say something") {
            next = heard.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            return next != nil
        }
        return next.map { String(decoding: MessageCoding.encode($0), as: UTF8.self) } ?? ""
    }

    /// The next state of a job, whatever is said of others meanwhile.
    func hearState(of job: String) async throws -> ServeState {
        var found: ServeState?
        try await Patience.long.wait("the state of \(job)") {
            found = heard.withLock { heard in
                let index = heard.firstIndex { message in
                    guard case .event(.state(let facts, _)) = message else { return false }
                    return facts.job.logSafe == job
                }
                guard let index, case .event(.state(let facts, _)) = heard.remove(at: index) else {
                    return nil
                }
                return facts.state
            }
            return found != nil
        }
        return found ?? .failed
    }

    /// What was said and not heard.
    var unheard: [String] {
        heard.withLock { $0.map { String(decoding: MessageCoding.encode($0), as: UTF8.self) } }
    }

    /// Ends the conversation, and waits until the server has ended.
    func hangUp() async {
        input.finish()
        try? await Patience.long.wait("the server to end") { hasEnded.withLock { $0 } }
    }

    /// Lets something happen, in a transcript's words.
    func `let`(_ what: String, happenTo name: String) throws {
        let job = try FilePath(name)
        let words = what.split(separator: " ", maxSplits: 2).map(String.init)
        if what.hasPrefix("noted ") {
            let data = Data(what.utf8.dropFirst(6))
            work.note(try JSONDecoder().decode(RunEnding.self, from: data), of: job)
        } else if words.count == 3, words[0] == "refuses" {
            work.refuse(Refusal(code: words[1], message: words[2]), job)
        } else {
            let run = try RunID("1-00000000000000aa")
            guard let happening = try ScriptedWork.Happening(what, run) else {
                throw Transcript.Malformed(line: 0)
            }
            work.happen(happening, to: job)
        }
    }

    // MARK: The server

    /// Serves while `body` talks.
    func talk(_ body: @Sendable (ScriptedPlugin) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.serve()
                self.hasEnded.withLock { $0 = true }
            }
            try await body(self)
            self.input.finish()
            try await group.waitForAll()
        }
    }

    private func serve() async {
        let post: @Sendable (ServeMessage) -> Void = { message in
            self.heard.withLock { $0.append(message) }
        }
        guard let (id, hello) = await ServeLoop.greeting(lines, post: post) else { return }
        if let refusal = hello.refusal { return post(.refusal(id, refusal)) }
        guard let instance = try? InstanceName("galaxy") else { return }
        var facts = ServerFacts(
            pid: 4711,
            instance: instance,
            executor: "kubernetes",
            metrics: "127.0.0.1:9090"
        )
        facts.version = "0.1.0"
        post(.answer(id, .hello(facts)))
        let board = RunBoard(metrics: metrics, post: post)
        let keeper = RunKeeper(
            board: board,
            work: work,
            door: Turnstile(limit: 4),
            sleep: { _ in try Task.checkCancellation() }
        )
        let loop = ServeLoop(board: board, keeper: keeper, post: post, isFull: { false })
        await loop.run(lines, onEnd: {})
    }
}
