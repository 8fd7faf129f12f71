// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What one answer taught that all requests need: the store's clock and the bucket's region.
final class SharedCorrections: Sendable {
    private struct State {
        var offsetSeconds: Int64 = 0
        var region: String
    }

    private let state: Mutex<State>

    init(region: String) { state = Mutex(State(region: region)) }

    var region: String { state.withLock { $0.region } }

    /// This machine's time as the store would say it.
    func corrected(_ time: Timestamp) -> Timestamp {
        Timestamp(seconds: time.seconds + state.withLock { $0.offsetSeconds })
    }

    func setClock(ours: Timestamp, theirs: Timestamp) {
        state.withLock { $0.offsetSeconds = theirs.seconds - ours.seconds }
    }

    /// Sets the region and gives the one before.
    func setRegion(_ region: String) -> String {
        state.withLock { state in
            defer { state.region = region }
            return state.region
        }
    }
}
