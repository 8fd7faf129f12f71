// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Threads for work that blocks, which must not hold up tasks.
package enum Threads {
    private final class Box: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread.
    package static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
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
            preconditionFailure("no thread can be started: \(String(cString: strerror(error)))")
        }
        pthread_detach(thread)
    }

    /// What `body` gives on a thread of its own.
    package static func value<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            start { continuation.resume(returning: body()) }
        }
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
