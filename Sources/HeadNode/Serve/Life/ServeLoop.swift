// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names

/// Takes the plugin's requests, one after the other, until there are no more. Nothing here waits for
/// a run.
struct ServeLoop: Sendable {
    let board: RunBoard
    let keeper: RunKeeper
    let post: @Sendable (ServeMessage) -> Void
    /// Whether so much waits to be read by the plugin that nothing more should be asked for.
    let isFull: @Sendable () -> Bool

    private var work: any RunWork { keeper.work }

    /// Serves, with every job a task of its own, until the lines end, the plugin says so, or the task
    /// is cancelled. Runs go on without us.
    ///
    /// - Parameter onEnd: called when no more is taken, before the jobs' tasks are put down.
    func run(
        _ lines: AsyncStream<LineReader.Line>,
        onEnd: @Sendable () -> Void
    ) async {
        await withDiscardingTaskGroup { group in
            for await line in lines {
                guard let request = read(line) else { continue }
                if case .shutdown = request.call {
                    post(.answer(request.id, .done))
                    break
                }
                begin(request, in: &group)
                while isFull(), (try? await Task.sleep(for: .milliseconds(50))) != nil {}
            }
            onEnd()
            group.cancelAll()
        }
    }

    /// Reads requests until one is `hello`.
    static func greeting(
        _ lines: AsyncStream<LineReader.Line>,
        post: (ServeMessage) -> Void
    ) async -> (id: Int64, hello: Hello)? {
        for await line in lines {
            guard let request = read(line, post: post) else { continue }
            switch request.call {
            case .hello(let hello): return (request.id, hello)
            case .shutdown:
                post(.answer(request.id, .done))
                return nil
            default: post(.refusal(request.id, .helloFirst))
            }
        }
        return nil
    }

    private func read(_ line: LineReader.Line) -> ServeRequest? { Self.read(line, post: post) }

    private static func read(
        _ line: LineReader.Line,
        post: (ServeMessage) -> Void
    ) -> ServeRequest? {
        guard case .bytes(let bytes) = line else {
            let why = "A line has more than \(RequestCoding.longestLine) bytes; it was skipped."
            post(.event(.error(.malformed(why))))
            return nil
        }
        do throws(RequestCoding.Misunderstanding) {
            return try RequestCoding.decode(bytes)
        } catch {
            if let id = error.id {
                post(.refusal(id, error.refusal))
            } else {
                post(.event(.error(error.refusal)))
            }
            return nil
        }
    }

    private func begin(
        _ request: ServeRequest,
        in group: inout DiscardingTaskGroup
    ) {
        let id = request.id
        switch request.call {
        case .hello:
            post(.refusal(id, Refusal(code: "malformed", message: "hello was said already.")))
        case .submit(let submission):
            guard let job = board.submit(id, submission) else { return }
            group.addTask { await keeper.serve(job) }
        case .cancel(let job):
            if board.cancel(id, job) { return }
            group.addTask { await cancelStranger(id, job) }
        case .finished(let finished):
            // Looked for now: it may be forgotten by the next request.
            let run = board.run(of: finished.job)
            group.addTask { await settle(id, finished, run) }
        case .forget(let job):
            let run = board.run(of: job)?.run
            guard board.forget(id, job) else { return }
            group.addTask { await work.forget(job, run) }
        case .status(let job?): board.status(id, job)
        case .status(nil): post(.answer(id, .summary(board.summary())))
        case .collect(let job): group.addTask { await collect(id, job) }
        case .shutdown: break
        }
    }

    /// Cancels the run of a job that was not submitted here.
    private func cancelStranger(_ id: Int64, _ job: FilePath) async {
        await answer(id) { () async throws(Refusal) in
            let run = try await work.find(job)
            var served = ServedRun(job: job, run: run.run)
            do throws(HeadError) {
                let words = "The run was cancelled."
                let ending = try await work.end(
                    run,
                    .cancelled,
                    words,
                    tries: 0,
                    leavingResults: true
                )
                if let ending { _ = served.finish(ending) }
            } catch {
                throw Refusal(error)
            }
            return .run(served.facts)
        }
    }

    /// Tells the bucket where the outputs of a job are now.
    private func settle(_ id: Int64, _ finished: FinishedJob, _ run: OpenedRun?) async {
        await answer(id) { () async throws(Refusal) in
            do throws(HeadError) {
                try await work.settle(finished, run) {
                    post(.event(.note(finished.job, finished.run, text: $0, isTrouble: true)))
                }
            } catch {
                throw Refusal(error)
            }
            return .done
        }
    }

    /// Brings a run's results back once more.
    private func collect(_ id: Int64, _ job: FilePath) async {
        await answer(id) { () async throws(Refusal) in
            let run: OpenedRun
            if let known = board.run(of: job) {
                run = known
            } else {
                run = try await work.find(job)
            }
            guard !board.isUnderWay(job) else { throw .notEnded }
            var served = ServedRun(job: job, run: run.run)
            do throws(HeadError) {
                _ = served.finish(try await work.collect(run))
            } catch {
                throw Refusal(error)
            }
            guard let end = served.end else { throw .notEnded }
            return .collected(served.facts, end)
        }
    }

    private func answer(
        _ id: Int64,
        _ body: () async throws(Refusal) -> ServeMessage.Answer
    ) async {
        do throws(Refusal) {
            post(.answer(id, try await body()))
        } catch {
            post(.refusal(id, error))
        }
    }
}
