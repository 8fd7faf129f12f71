// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Synchronization
import Transport

/// What is shown to the server now.
struct ShownCredential: Sendable {
    var token: Redacted<String>?
    /// Only where the login gave one.
    var clientCertificate: CurlTransport.Options.ClientCertificate?
    /// Seconds since 1970; nil for never.
    var expires: Int64?
    /// Grows with each credential that was read.
    var generation = 0
}

/// The credential in use, read once for everybody who asks and again when it is due.
///
/// One reading is under way at a time: who comes meanwhile gets what it finds. If the one who reads
/// is cancelled, the next one reads.
final class LoginKeeper: Sendable {
    /// How long what was read from a file is taken for what is in it.
    static let fileSeconds: Int64 = 5
    /// How long before its end a credential is renewed, or a quarter of its life if that is less.
    static let marginSeconds: Int64 = 30

    private typealias Outcome = Result<ShownCredential, KubernetesError>

    private struct State {
        var current: ShownCredential?
        /// When `current` is to be read again, in seconds since 1970; nil for never.
        var due: Int64?
        var generation = 0
        var isReading = false
        var waiters: [Int: CheckedContinuation<Outcome?, Never>] = [:]
        var lastWaiter = 0
    }

    private enum Next {
        case use(ShownCredential)
        case read(generation: Int)
        case wait(Int)
    }

    private let login: ClusterLogin
    private let clock: ClusterClock
    private let state = Mutex(State())

    init(_ login: ClusterLogin, clock: ClusterClock) {
        self.login = login
        self.clock = clock
    }

    /// A credential to show now.
    func credential() async throws(KubernetesError) -> ShownCredential {
        while true {
            switch next() {
            case .use(let shown): return shown
            case .read(let generation):
                let outcome = await read(generation)
                finish(outcome)
                return try outcome.get()
            case .wait(let number):
                // nil: whoever was reading was cancelled, or we were.
                if let outcome = await wait(number) { return try outcome.get() }
                if Task.isCancelled {
                    throw KubernetesError(
                        .cancelled,
                        what: "Cancelled",
                        place: "waiting for a log-in"
                    )
                }
            }
        }
    }

    /// The server refused the credential of `generation`: the next one who asks reads anew.
    func forget(_ generation: Int) {
        state.withLock { if $0.current?.generation == generation { $0.current = nil } }
    }

    private func next() -> Next {
        let now = clock.now()
        return state.withLock { state in
            if let current = state.current, state.due.map({ now < $0 }) ?? true {
                return .use(current)
            }
            guard state.isReading else {
                state.isReading = true
                state.generation += 1
                return .read(generation: state.generation)
            }
            state.lastWaiter += 1
            return .wait(state.lastWaiter)
        }
    }

    private func read(_ generation: Int) async -> Outcome {
        do throws(KubernetesError) {
            var shown = try await login.read(clock)
            shown.generation = generation
            return .success(shown)
        } catch { return .failure(error) }
    }

    private func finish(_ outcome: Outcome) {
        let now = clock.now()
        let waiting = state.withLock { state in
            state.isReading = false
            if case .success(let shown) = outcome {
                state.current = shown
                state.due = due(shown, now)
            }
            defer { state.waiters = [:] }
            return state.waiters
        }
        let isCancelled =
            if case .failure(let error) = outcome { error.code == .cancelled } else { false }
        for waiter in waiting.values { waiter.resume(returning: isCancelled ? nil : outcome) }
    }

    private func due(_ shown: ShownCredential, _ now: Int64) -> Int64? {
        if case .tokenFile = login { return now + Self.fileSeconds }
        guard let expires = shown.expires else { return nil }
        return expires - min(Self.marginSeconds, max(0, expires - now) / 4)
    }

    private func wait(_ number: Int) async -> Outcome? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if !state.isReading || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isOver { continuation.resume(returning: nil) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: nil)
        }
    }
}
