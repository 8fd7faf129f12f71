// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Synchronization

/// What the worker's containers have said of one try, and whether they said that it has a result.
final class TryWords: Sendable {
    private struct State {
        var lines: [String] = []
        var hasResult = false
        var storing: Set<String> = []
    }

    /// How many lines for people are kept.
    private static let most = 3

    private let state = Mutex(State())

    /// Takes one line of a log of `pod`'s; a frame is returned, anything else is for people.
    ///
    /// - Parameter isBelieved: whether the line is the word of a worker whose container has no tool
    ///   in it, or of one that does it all.
    func take(
        _ line: ArraySlice<UInt8>,
        of pod: String,
        isBelieved: Bool
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
        guard isBelieved else { return frame }
        switch frame {
        case .resultStored: state.withLock { $0.hasResult = true }
        case .progress("push", _, _, _, _):
            state.withLock { _ = $0.storing.insert(pod) }
        case .output, .progress, .note: break
        }
        return frame
    }

    /// The pods that have begun to store what the tool has left.
    var storing: Set<String> { state.withLock { $0.storing } }

    var hasResult: Bool { state.withLock { $0.hasResult } }

    /// The last lines for people, joined to one.
    var last: String { state.withLock { $0.lines.joined(separator: " | ") } }
}
