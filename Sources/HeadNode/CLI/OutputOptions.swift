// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

/// How a verb shows what it does.
struct OutputOptions: ParsableArguments {
    @Flag(help: "One JSON object a line on standard output, for programs.")
    var json = false

    /// Whether standard error is a terminal that can be drawn on.
    static var hasTerminal: Bool { isatty(STDERR_FILENO) == 1 && getenv("NO_COLOR") == nil }
}

/// Writes to a standard stream, all of it.
enum Console {
    static func out(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    static func err(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    static func write(
        _ text: String,
        to descriptor: Int32
    ) {
        write(Array(text.utf8), to: descriptor)
    }

    static func write(
        _ bytes: [UInt8],
        to descriptor: Int32
    ) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
