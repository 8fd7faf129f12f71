// SPDX-License-Identifier: Apache-2.0

import Glibc
import Staging

/// Shows one transfer while it goes on: a line that moves on a terminal, nothing elsewhere.
struct TransferDisplay {
    let meter: PhaseMeter
    /// Whether there is somebody to look.
    let isShown: Bool

    /// Runs `work` with the line below it.
    func during<Value: Sendable>(
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value {
        guard isShown else { return await work() }
        let start = Clock.monotonicSeconds()
        return await withTaskGroup(of: Value?.self) { group in
            group.addTask { await work() }
            group.addTask { [self] in
                while !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(250))
                    draw(since: start)
                }
                return nil
            }
            // The line never ends by itself, so the first to end is the work.
            var value: Value?
            while value == nil, let ended = await group.next() { value = ended }
            group.cancelAll()
            await group.waitForAll()
            Console.write("\r\u{1B}[K", to: STDERR_FILENO)
            guard let value else { preconditionFailure("the work of a transfer gives a value") }
            return value
        }
    }

    /// Says something in between, without the line in its way.
    func interrupting(_ say: () -> Void) {
        if isShown { Console.write("\r\u{1B}[K", to: STDERR_FILENO) }
        say()
    }

    private func draw(since start: Double) {
        let text = ProgressLine(
            phase: meter.phase,
            reading: meter.reading,
            seconds: Clock.monotonicSeconds() - start
        )
        .text
        Console.write("\r\u{1B}[K\(text)", to: STDERR_FILENO)
    }
}
