// SPDX-License-Identifier: Apache-2.0

import Glibc
import Staging
import Synchronization

/// Every signal so far that asked this process to end; none of them ends the worker by itself.
///
/// The signals are blocked in every thread (boot.c does it before any thread starts) and one thread
/// waits for them. What has come stays: a phase that begins after a signal sees it at once.
final class SignalInbox: Sendable {
    /// What a container or a person sends to end a program.
    private static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]

    private struct State {
        var received: [Int32] = []
        var waiting: [UInt64: (index: Int, continuation: CheckedContinuation<Int32?, Never>)] = [:]
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Begins to wait for signals. One inbox serves a process.
    init() {
        Threads.start { [self] in
            var set = sigset_t()
            sigemptyset(&set)
            for signal in Self.signals { sigaddset(&set, signal) }
            var signal: Int32 = 0
            while sigwait(&set, &signal) == 0 { receive(signal) }
        }
    }

    /// The signal with this index, 0 for the first of the process; waits for it, and gives nil when
    /// the task is cancelled before it has come.
    func signal(_ index: Int) async -> Int32? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known: Int32?? = state.withLock { state in
                    if index < state.received.count { return .some(state.received[index]) }
                    if Task.isCancelled { return .some(nil) }
                    state.waiting[id] = (index, continuation)
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiting.removeValue(forKey: id) }
            waiter?.continuation.resume(returning: nil)
        }
    }

    /// Whether any signal has come.
    var isTold: Bool { state.withLock { !$0.received.isEmpty } }

    private func receive(_ signal: Int32) {
        let ready = state.withLock { state in
            state.received.append(signal)
            let ready = state.waiting.filter { $0.value.index < state.received.count }
            for id in ready.keys { state.waiting.removeValue(forKey: id) }
            return ready.values.map(\.continuation)
        }
        for continuation in ready { continuation.resume(returning: signal) }
    }
}
