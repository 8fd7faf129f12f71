// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Lines for whoever started this program: results on standard output, all else on standard error.
enum Console {
    /// Writes a line of the result.
    static func out(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// Writes a line that is not part of the result.
    static func err(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Writes text as it is. A reader that has gone away is no error of ours.
    static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the pointer is used only inside the closure, for as many bytes as there are.
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count == 0 || errno != EINTR {
                return
            }
        }
    }
}
