// SPDX-License-Identifier: Apache-2.0

import Contract

/// What a run came to and what each phase cost. A pure value.
struct SummaryTable {
    private let run: RunID
    private let ending: RunEnding
    private let phases: [PhaseReport]
    private let alreadyThere: [String: Int]

    init(
        _ run: RunID,
        _ ending: RunEnding,
        _ phases: [PhaseReport],
        _ alreadyThere: [String: Int]
    ) {
        self.run = run
        self.ending = ending
        self.phases = phases
        self.alreadyThere = alreadyThere
    }

    var text: String {
        var rows = [
            [
                "phase", "seconds", "bytes", "files", "packed", "there already", "requests",
                "retries",
            ]
        ]
        for phase in phases {
            rows.append([
                phase.name, Decimals.text(phase.seconds, 3), ByteCount.text(phase.bytes),
                String(phase.files), String(phase.packed),
                String(alreadyThere[phase.name] ?? phase.cachedFiles ?? 0), String(phase.requests),
                String(phase.retries),
            ])
        }
        var lines = phases.isEmpty ? [] : Self.aligned(rows)
        if ending.cpuSeconds > 0 {
            lines.append(
                "The tool used \(Decimals.text(ending.cpuSeconds, 2)) CPU seconds and at most "
                    + "\(ByteCount.text(ending.peakResidentBytes)) of memory in one process."
            )
        }
        lines += ending.refused.map { "Note: \($0)." }
        lines.append(verdict)
        return lines.joined(separator: "\n")
    }

    private var verdict: String {
        switch ending.state {
        case .ok: "Run \(run) is done: the tool ended with exit code 0."
        case .toolFailed: "Run \(run) is done, but the tool failed. \(ending.message)"
        case .cancelled: "Run \(run) was cancelled. Nothing of it was brought back."
        default: "Run \(run) failed (\(ending.state.rawValue)). \(ending.message)"
        }
    }

    /// The first column to the left, numbers to the right.
    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = (0..<(rows.first?.count ?? 0))
            .map { column in
                rows.map { $0[column].utf8.count }.max() ?? 0
            }
        return rows.map { row in
            zip(row, widths).enumerated()
                .map { index, cell in
                    let padding = String(repeating: " ", count: cell.1 - cell.0.utf8.count)
                    return index == 0 ? cell.0 + padding : padding + cell.0
                }
                .joined(separator: "  ")
        }
    }
}
