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
}
