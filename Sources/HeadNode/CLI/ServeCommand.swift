// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Glibc
import S3Client
import Staging

/// Many runs, for Galaxy's plugin.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve Galaxy's plugin: many runs at once, told and asked by lines of JSON.",
        discussion: """
            Requests come on standard input, answers and events go to standard output, one JSON \
            object a line: docs/protocol.md explains them. Logs go to standard error, one JSON \
            object a line. It ends when standard input does, on SIGTERM, or when nobody reads any \
            more, within ten seconds; runs go on, and the next one takes them up.

            Exit status: 0 the end was wanted, 75 another process serves this Galaxy server, 76 the \
            plugin speaks another protocol, others as of `run`.
            """
    )

    @OptionGroup var config: ConfigOptions

    @Option(
        help: ArgumentHelp(
            "Tell metrics to Prometheus: 127.0.0.1:9464, unix:/path, or none.",
            discussion: "Wins over metrics.listen.",
            valueName: "address"
        )
    )
    var metrics: String?

    @Option(
        help: ArgumentHelp(
            "How many seconds to wait for a process that serves this Galaxy server already.",
            visibility: .hidden
        )
    )
    var patience: Int = 15

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let log = ServeLog(try LineWriter(STDERR_FILENO))
        do {
            let flags = metrics.map { ["\(ConfigSchema.metricsListen.key.path)=\($0)"] } ?? []
            let sources = try config.sources(adding: flags)
            var resolver = sources.resolver()
            let settings = try resolver.settings()
            for warning in resolver.warnings { log.write(.warning, warning.line) }
            let server = Server(
                sources: sources,
                settings: settings,
                warnings: resolver.warnings,
                log: log,
                patience: .seconds(max(0, patience))
            )
            let status = try await Interruption.guarding { () async throws(HeadError) in
                try await server.run()
            }
            await log.flush()
            if status != 0 { throw ExitCode(status) }
        } catch let error as ConfigError {
            for line in error.lines { log.write(.error, line) }
            await log.flush()
            throw ExitCode(ConfigError.exitStatus)
        } catch let error as HeadError {
            log.write(.error, error.line)
            await log.flush()
            throw ExitCode(error.exitStatus)
        }
    }
}
