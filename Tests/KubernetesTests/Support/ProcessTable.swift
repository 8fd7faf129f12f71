// SPDX-License-Identifier: Apache-2.0

import TestSupport

enum ProcessTable {
    /// Whether the process is there and no zombie.
    static func isRunning(_ pid: Int32) -> Bool {
        guard let stat = try? ChildProcess.contents(of: "/proc/\(pid)/stat") else { return false }
        let state = stat.reversed().split(separator: UInt8(ascii: ")")).first?.reversed()
        return state.map { Array($0).dropFirst().first != UInt8(ascii: "Z") } ?? false
    }
}
