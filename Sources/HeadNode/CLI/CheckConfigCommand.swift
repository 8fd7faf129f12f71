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
            --set; later wins. Of Galaxy's job_conf.yml or job_conf.xml it reads the runners that \
            are ours, and their environments: what is unknown, misspelt, impossible or of no use \
            there. What Galaxy takes all the same is a warning. Asks neither the bucket nor anything else outside this machine: `doctor` does. Secrets are no part of the configuration and are never printed.

            Exit status: 0 the configuration can be used, 78 it cannot, 64 wrong usage.
            """
    )

    @OptionGroup var options: ConfigOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Galaxy's job configuration, to look at our runners and their environments.",
            discussion:
                "Without it: what galaxy.yml has below job_config, or names as job_config_file; "
                + "else job_conf.yml, else job_conf.xml beside it.",
            valueName: "file"
        )
    )
    var jobConfig: String?

    func run() async throws {
        try await conclude(json: false) {
            let sources = try options.sources()
            var resolver = sources.resolver()
            let settings = Result { () throws(ConfigError) in try resolver.settings() }
            let read = Result { () throws(ConfigError) in
                try jobConfigCheck(sources, executor: try? settings.get().executor)
            }
            let check = try? read.get()
            let galaxy = options.galaxyPlaces(sources.environment)
            let isCluster = (try? settings.get())?.executor == .kubernetes
            let entries = isCluster ? resolver.winners.compactMap(\.entry) : []
            let claims = ClaimCheck(galaxy: galaxy).warnings(entries)
            let problems = settings.problems + read.problems + (check?.problems ?? [])
            resolver.showWarnings()
            for warning in claims + (check?.warnings ?? []) {
                Console.err("warning: \(warning.line)")
            }
            if !problems.isEmpty { throw ConfigError(problems) }
            let listing = SettingsListing(try settings.get(), resolver.winners)
            for line in listing.lines { Console.out(line) }
            Console.out(
                check?.summary ?? "job configuration: none is there; --job-config names one"
            )
        }
    }

    /// nil where there is no job configuration to look at.
    private func jobConfigCheck(
        _ sources: SettingsSources,
        executor: Settings.ExecutorKind?
    ) throws(ConfigError) -> JobConfigCheck? {
        var found = jobConfig
        if found == nil { found = try options.jobConfigName(sources.environment) }
        guard let name = found else { return nil }
        let bytes = try options.content(of: name, ifTooLong: "Name Galaxy's job configuration.")
        let file = JobConfig(bytes, named: name.logSafe, environment: sources.environment)
        return JobConfigCheck(
            file,
            sources,
            executor: executor,
            galaxy: options.galaxyPlaces(sources.environment)
        )
    }
}

extension JobConfigCheck {
    /// What was looked at, in one line.
    fileprivate var summary: String {
        if runners.isEmpty { return "job configuration: no runner of ours" }
        let places = environments.isEmpty ? "no environment" : environments.joined(separator: ", ")
        return "job configuration: runner \(runners.joined(separator: ", ")) for \(places)".logSafe
    }
}

extension Result where Failure == ConfigError {
    fileprivate var problems: [ConfigProblem] {
        if case .failure(let error) = self { error.problems } else { [] }
    }
}
