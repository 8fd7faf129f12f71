// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Names
import S3Client

/// What is below a prefix.
struct S3ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the objects whose keys begin with a prefix.",
        discussion: """
            Time (UTC), size in bytes and key, in the order of the keys' bytes. Without \
            --recursive, what has a slash after the prefix is shown as one line that ends in it. \
            Nothing below the prefix is an empty list and no error.
            """
    )

    @Argument(help: ArgumentHelp("s3://BUCKET or s3://BUCKET/PREFIX.", valueName: "url"))
    var url: String

    @Flag(help: "List everything below, not only to the next slash.")
    var recursive = false

    @OptionGroup var config: ConfigOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await conclude(json: output.json) {
            let url = try S3URL(RawArguments.bytes(of: url))
            let json = output.json
            let delimiter = recursive ? nil : FilePath.separator
            try await S3Command.with(url, config) { store throws(S3Error) in
                var token: String?
                var seen: Set<String> = []
                repeat {
                    let page = try await store.list(
                        prefix: url.key,
                        delimiter: delimiter,
                        token: token,
                        limit: 1000
                    )
                    for line in ObjectLine.lines(of: page, json: json) { Console.out(line) }
                    token = page.nextToken
                    if let token, !seen.insert(token).inserted {
                        throw S3Error(
                            .badAnswer,
                            what: "Cannot list \(url.bucket.logSafe): its pages go in circles"
                        )
                    }
                } while token != nil
            }
        }
    }
}
