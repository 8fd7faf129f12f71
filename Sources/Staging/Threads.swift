// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Threads for work that blocks, which must not hold up tasks.
package enum Threads {
    private final class Box: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// What this process ends with when it can have no thread that it needs: EX_OSERR, unless it has said
    /// otherwise.
    package static let statusWithoutThread = Atomic<Int32>(71)

    /// Runs `body` on a new thread, of which there must be one for this process to do its work.
    package static func start(_ body: @escaping @Sendable () -> Void) {
        let error = tryStart(body)
        if error == 0 { return }
        let reason = String(cString: strerror(error))
        let words =
            "No thread can be started: \(reason). Raise the limit of processes (ulimit -u, "
            + "TasksMax) of whoever runs this.\n"
        _ = Array(words.utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        _exit(statusWithoutThread.load(ordering: .relaxed))
    }

    /// Runs `body` on a new thread, if there can be one more.
    ///
    /// - Returns: 0, or what pthread_create(3) gives; `body` does not run then.
    static func tryStart(_ body: @escaping @Sendable () -> Void) -> Int32 {
        var thread = pthread_t()
        let error = tryStart(&thread, body)
        if error == 0 { pthread_detach(thread) }
        return error
    }

    /// The same; whoever calls it joins the thread.
    private static func tryStart(
        _ thread: inout pthread_t,
        _ body: @escaping @Sendable () -> Void
    ) -> Int32 {
        // SAFETY: the new thread takes over the one retained reference.
        let box = Unmanaged.passRetained(Box(body)).toOpaque()
        let error = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            },
            box
        )
        guard error == 0 else {
            // SAFETY: no thread has taken the reference over.
            Unmanaged<Box>.fromOpaque(box).release()
            return error
        }
        return 0
    }

    /// What `body` gives for each number below `count`, in their order; it is called for one half of them
    /// on a second thread, if there can be one more. Blocks.
    static func halves<Value: Sendable>(
        _ count: Int,
        _ body: @escaping @Sendable (Int) -> Value
    ) -> [Value] {
        let middle = count / 2
        let second = Half<Value>()
        var thread = pthread_t()
        let work: @Sendable () -> Void = {
            let values = (middle..<count).map(body)
            second.values.withLock { $0 = values }
        }
        let error = tryStart(&thread, work)
        let first = (0..<middle).map(body)
        if error == 0 { pthread_join(thread, nil) } else { work() }
        return first + second.values.withLock { $0 }
    }

    private final class Half<Value: Sendable>: Sendable {
        let values = Mutex<[Value]>([])
    }

    /// What `body` gives on a thread of its own; here, if there can be no more threads.
    package static func value<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result = await withCheckedContinuation { continuation in
            let work: @Sendable () -> Void = {
                continuation.resume(returning: Result(catching: body))
            }
            if tryStart(work) != 0 { work() }
        }
        return try result.get()
    }

    /// What `body` gives on a thread of its own; nil if that takes longer than `limit`, or the task is
    /// cancelled. The thread goes on by itself then, so the caller bounds how many there are.
    package static func value<Value: Sendable>(
        within limit: Duration,
        _ body: @escaping @Sendable () -> Value
    ) async -> Value? {
        let (answers, continuation) = AsyncStream<Value>.makeStream()
        start {
            continuation.yield(body())
            continuation.finish()
        }
        return await withTaskGroup(of: Value?.self) { group in
            group.addTask { await answers.first { _ in true } }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
