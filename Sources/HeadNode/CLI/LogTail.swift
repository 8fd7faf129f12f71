// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names
import Staging

/// The end of what a tool wrote, for whoever wants to know why it failed.
enum LogTail {
    private static let lines = 10
    private static let bytes: Int64 = 16 << 10

    /// The last lines of the tool's error stream, each made safe to print; none if there are none.
    static func errorLines(of description: JobDescription) -> [String] {
        guard let roots = try? RootSet([description.jobDirectory]),
            let file = try? roots.open(description.stderr),
            let size = try? file.status().stamp.size, size > 0
        else { return [] }
        let start = max(0, size - bytes)
        var buffer = [UInt8](repeating: 0, count: Int(size - start))
        let count = pread(file.raw, &buffer, buffer.count, off_t(start))
        guard count > 0 else { return [] }
        return buffer[..<count].split(separator: UInt8(ascii: "\n")).suffix(lines).map(\.logSafe)
    }
}
