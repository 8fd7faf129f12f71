// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names

/// The settings in force, one a line: key, value, where it comes from.
struct SettingsListing {
    let lines: [String]

    init(
        _ settings: Settings,
        _ winners: [(key: ConfigKey, entry: ConfigEntry?)]
    ) {
        let rows = winners.map { key, entry -> [String] in
            let value = entry?.text ?? key.fallback ?? Self.derived(key, settings)
            let origin = entry?.origin ?? .fallback
            return [key.path, value.logSafe, "\(origin)"]
        }
        let widths = (0..<2).map { column in rows.map { $0[column].utf8.count }.max() ?? 0 }
        lines = rows.map { row in
            Self.padded(row[0], widths[0]) + "  " + Self.padded(row[1], widths[1]) + "  " + row[2]
        }
    }

    /// What stands for a key that nobody set and that has no default.
    private static func derived(_ key: ConfigKey, _ settings: Settings) -> String {
        switch key.path {
        case ConfigSchema.region.key.path: settings.storage.region
        case ConfigSchema.stateDirectory.key.path: settings.local.stateDirectory.logSafe
        default: "-"
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.utf8.count))
    }
}
