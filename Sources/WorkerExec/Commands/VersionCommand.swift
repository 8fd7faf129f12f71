// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Glibc

/// Says which release this is.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the release."
    )

    func run() {
        let line = Array("galaxy-worker-exec \(Release.version)\n".utf8)
        _ = write(STDOUT_FILENO, line, line.count)
    }
}
