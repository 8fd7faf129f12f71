// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import S3Client

/// What the store knows of one object.
struct S3StatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat",
        abstract: "Show size, time, digest and metadata of one object.",
        discussion: "Exit status 66: there is no such object."
    )

    @Argument(help: ArgumentHelp("s3://BUCKET/KEY.", valueName: "url"))
    var url: String

    @OptionGroup var config: ConfigOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await conclude(json: output.json) {
            let url = try S3URL(RawArguments.bytes(of: url))
            let key = try url.object()
            let info = try await S3Command.with(url, config) { store throws(S3Error) in
                guard let info = try await store.head(key) else {
                    throw await store.absence(of: key)
                }
                return info
            }
            for line in ObjectLine.lines(of: key, info, json: output.json) { Console.out(line) }
        }
    }
}
