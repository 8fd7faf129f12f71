// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics

/// Says what the configuration means, or all that is wrong with it.
struct CheckConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Print the settings in force and where each comes from, or every problem.",
        discussion: """
            Reads the block s3_executor of galaxy.yml, then variables GALAXY_S3_EXECUTOR_…, then \
            --set; later wins. Asks neither the bucket nor anything else outside this machine: \
            `doctor` does. Secrets are no part of the configuration and are never printed.

            Exit status: 0 the configuration can be used, 78 it cannot, 64 wrong usage.
            """
    )

    @OptionGroup var options: ConfigOptions

    func run() async throws {
        try await conclude(json: false) {
            var resolver = try options.resolver()
            let settings = try resolver.settings()
            resolver.showWarnings()
            for line in SettingsListing(settings, resolver.winners).lines { Console.out(line) }
        }
    }
}
