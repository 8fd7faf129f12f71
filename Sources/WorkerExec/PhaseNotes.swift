// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What an administrator should know of a phase: said at once in the container's log, and kept for the
/// report, because nobody may be reading that log.
final class PhaseNotes: Sendable {
    /// More of them say nothing new.
    private static let most = 10

    private let kept = Mutex<[String]>([])

    func add(_ note: String) {
        FrameWriter.complain(note)
        kept.withLock { if $0.count < Self.most { $0.append(note) } }
    }

    /// As a report has them; nil for none.
    var all: [String]? {
        let notes = kept.withLock { $0 }
        return notes.isEmpty ? nil : notes
    }
}
