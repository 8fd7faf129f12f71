// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Names
import S3Client

/// Removes objects.
struct S3RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove one object, or all below a prefix.",
        discussion: """
            Prints each key that is removed. What jobs still need is not looked at.
            """
    )

    @Argument(
        help: ArgumentHelp("s3://BUCKET/KEY, or a prefix with --recursive.", valueName: "url")
    )
    var url: String

    @Flag(help: "Remove everything below the prefix, which must end in a slash.")
    var recursive = false

    @Flag(help: "Print what would be removed, and remove nothing.")
    var dryRun = false

    @OptionGroup var config: ConfigOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let isFolder = url.utf8.last == FilePath.separator
        if recursive, !isFolder {
            throw ValidationError(
                "--recursive takes a prefix that ends in a slash, so that s3://b/run-1/ does not "
                    + "take s3://b/run-10/ along."
            )
        }
    }

    func run() async throws {
        try await conclude(json: output.json) {
            let url = try S3URL(RawArguments.bytes(of: url))
            let (recursive, dryRun, json) = (recursive, dryRun, output.json)
            try await S3Command.with(url, config) { store throws(S3Error) in
                if recursive {
                    try await Self.removeAll(below: url, from: store, dryRun: dryRun, json: json)
                } else {
                    let key = try url.object()
                    guard try await store.head(key) != nil else {
                        throw await store.absence(of: key)
                    }
                    if !dryRun { try await store.delete(key) }
                    Self.say(key, json)
                }
            }
        }
    }

    private static func removeAll(
        below url: S3URL,
        from store: S3Store,
        dryRun: Bool,
        json: Bool
    ) async throws(S3Error) {
        guard !url.key.isEmpty else {
            throw S3Error(
                .refused,
                what: "A whole bucket is not removed at once",
                remedy: "Name a prefix."
            )
        }
        // Names only, and all of them first: a listing that goes on while its keys vanish may skip
        // some.
        let keys = try await store.entries(below: url.key).map(\.key)
        if !dryRun { try await store.delete(keys) }
        for key in keys { say(key, json) }
    }

    private static func say(_ key: ObjectKey, _ json: Bool) {
        Console.out(json ? ObjectLine.Record(key: key).json : "\(key)")
    }
}
