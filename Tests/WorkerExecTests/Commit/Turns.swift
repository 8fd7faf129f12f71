// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets somebody take as many steps as were granted, and holds him before the next one.
final class Turns: Sendable {
    private typealias Waiter = CheckedContinuation<Void, Never>

    private struct State {
        var left = 0
        var isOver = false
        /// Who stands before his next step.
        var held: Waiter?
        /// Who waits until the steps that he has granted are done.
        var granter: Waiter?
    }

    private let state = Mutex(State())

    /// Waits for the right to take one step.
    func take() async {
        await withCheckedContinuation { (step: Waiter) in
            let ready = state.withLock { state -> Waiter? in
                if state.left > 0 {
                    state.left -= 1
                    return step
                }
                state.held = step
                return state.granter.take()
            }
            ready?.resume()
        }
    }

    /// Grants `count` steps, and returns when they have been taken or there are no more.
    func grant(_ count: Int) async {
        await withCheckedContinuation { (granter: Waiter) in
            let ready = state.withLock { state -> Waiter? in
                if state.isOver { return granter }
                state.left += count
                guard let held = state.held else {
                    state.granter = granter
                    return nil
                }
                guard state.left > 0 else { return granter }
                state.left -= 1
                state.held = nil
                state.granter = granter
                return held
            }
            ready?.resume()
        }
    }

    /// Says that no step follows.
    func end() {
        let granter = state.withLock { state in
            state.isOver = true
            return state.granter.take()
        }
        granter?.resume()
    }
}
