// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Synchronization

/// What the worker's containers have said of one try, and whether they said that it has a result.
final class TryWords: Sendable {
    private struct State {
        var lines: [String] = []
        var hasResult = false
    }

    /// How many lines for people are kept.
    private static let most = 3

    private let state = Mutex(State())

    /// Takes one line of a log; a frame is returned, anything else is for people.
    ///
    /// - Parameter mayKnowOfResult: whether a line that says that there is a result is believed.
    func take(
        _ line: ArraySlice<UInt8>,
        mayKnowOfResult: Bool
    ) -> WorkerFrame? {
        guard let frame = WorkerFrame(line: line) else {
            let text = line.logSafe
            state.withLock { state in
                // A log that is read again after a break begins with what is known.
                guard !text.isEmpty, !state.lines.contains(text) else { return }
                state.lines = state.lines.suffix(Self.most - 1) + [text]
            }
            return nil
        }
        if mayKnowOfResult, case .resultStored = frame { state.withLock { $0.hasResult = true } }
        return frame
    }

    var hasResult: Bool { state.withLock { $0.hasResult } }

    /// The last lines for people, joined to one.
    var last: String { state.withLock { $0.lines.joined(separator: " | ") } }
}
