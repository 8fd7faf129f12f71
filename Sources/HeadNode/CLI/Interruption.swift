// SPDX-License-Identifier: Apache-2.0

import Glibc
import Staging
import Synchronization

/// Turns Ctrl-C and SIGTERM into cancellation: what is under way is put down in order.
enum Interruption {
    /// The write end of the pipe through which the signal handler speaks.
    private static let pipeEnd = Atomic<Int32>(-1)

    /// Runs `work`, and cancels it at the first signal. A second one ends the process at once.
    static func guarding<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(HeadError) -> Value
    ) async throws(HeadError) -> Value {
        guard let signals = stream() else {
            let why = String(cString: strerror(errno))
            throw HeadError(.machine, what: "Cannot listen for signals: \(why)")
        }
        let outcome = await withTaskGroup(
            of: Result<Value, HeadError>?.self,
            returning: Result<Value, HeadError>.self
        ) { group in
            group.addTask {
                do throws(HeadError) {
                    return .success(try await work())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            if let first { return first }
            signal(SIGINT, SIG_DFL)
            signal(SIGTERM, SIG_DFL)
            return (await group.next() ?? nil)
                ?? .failure(HeadError(.interrupted, what: "Interrupted"))
        }
        return try outcome.get()
    }

    /// Every SIGINT and SIGTERM from now on; nil, with errno, where that cannot be had.
    private static func stream() -> AsyncStream<Void>? {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        let reading = ends[0]
        return AsyncStream { continuation in
            pipeEnd.store(ends[1], ordering: .sequentiallyConsistent)
            let handler: @convention(c) (Int32) -> Void = { _ in
                var byte: UInt8 = 1
                _ = write(Interruption.pipeEnd.load(ordering: .relaxed), &byte, 1)
            }
            signal(SIGINT, handler)
            signal(SIGTERM, handler)
            Threads.start {
                var byte: UInt8 = 0
                while read(reading, &byte, 1) == 1 { continuation.yield() }
                continuation.finish()
            }
        }
    }
}
