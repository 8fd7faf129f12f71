// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Staging
import Synchronization

/// Every signal so far that asked this process to end; none of them ends the worker by itself.
///
/// They are caught by a handler, which is all that works here: Swift's main thread suspends itself
/// with every signal let through, so a signal that is merely blocked elsewhere gets its default
/// action there, which is death, or, for process 1 of a container, nothing at all.
///
/// What has come stays: a phase that begins after a signal sees it at once.
///
/// A signal counts only if it may come from outside: a tool that signals its parent or process 1
/// would else look like an eviction. A sender outside this process's PID namespace, as a container
/// runtime is, has no number in it, and siginfo_t says 0. `SignalSender` decides about the others.
final class SignalInbox: Sendable {
    /// What a container or a person sends to end a program.
    private static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]

    private struct State {
        var received: [Int32] = []
        var waiting: [UInt64: (index: Int, continuation: CheckedContinuation<Int32?, Never>)] = [:]
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())
    /// The write end of the pipe through which the handler speaks.
    private static let pipeEnd = Atomic<Int32>(-1)

    /// Begins to catch signals, for the rest of this process's life; made once a process.
    init() throws(WorkerFailure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw WorkerFailure(.io, StagingError.system("make", "a pipe"))
        }
        // ProcessLaunch hands on no descriptor, so these need no flag.
        let reading = ends[0]
        Self.pipeEnd.store(ends[1], ordering: .sequentiallyConsistent)
        let handler:
            @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?)
                -> Void = { number, information, _ in
                    let saved = errno
                    defer { errno = saved }
                    // SAFETY: with SA_SIGINFO the kernel gives a siginfo_t that lives as long as this call.
                    if let information, SignalSender(information.pointee).isTheTool { return }
                    var byte = UInt8(truncatingIfNeeded: number)
                    _ = write(SignalInbox.pipeEnd.load(ordering: .relaxed), &byte, 1)
                }
        for number in Self.signals {
            var action = sigaction()
            action.__sigaction_handler.sa_sigaction = handler
            action.sa_flags = SA_SIGINFO | SA_RESTART
            sigaction(number, &action, nil)
        }
        Threads.start { [self] in
            var byte: UInt8 = 0
            while true {
                let count = read(reading, &byte, 1)
                if count == 1 { receive(Int32(byte)) } else if errno != EINTR { return }
            }
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
