// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import S3Client
import Staging

/// Objects for an administrator's hands.
struct S3Command: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "s3",
        abstract: "List, copy, look at, remove and share objects.",
        discussion: """
            Objects are named s3://BUCKET/KEY. The key is taken byte by byte: nothing is decoded, \
            and no character in it has a meaning. Endpoint, region and credentials come from the \
            configuration; the bucket is the one in the name.

            Exit status: 0 done, 64 wrong usage, 66 there is no such object, 69 the store cannot \
            be reached, 77 access denied, 78 the configuration is wrong, 130 interrupted, 1 all \
            else.
            """,
        subcommands: [
            S3ListCommand.self, S3CopyCommand.self, S3StatCommand.self, S3RemoveCommand.self,
            S3PresignCommand.self,
        ]
    )

    /// Makes a store for the bucket in `url`, and does `work`; a signal cancels it.
    static func with<Value: Sendable>(
        _ url: S3URL,
        _ config: ConfigOptions,
        _ work: @escaping @Sendable (S3Store) async throws(S3Error) -> Value
    ) async throws -> Value {
        let settings = try config.storageSettings(bucket: url.bucket)
        let store = try settings.factory()
            .store { event in
                if case .retrying(let what, let attempt, _, let why) = event {
                    Console.err("\(what): attempt \(attempt) failed (\(why)); trying again")
                }
            }
        return
            try await Interruption.guarding { () async throws(HeadError) in
                await Self.outcome { () async throws(S3Error) in try await work(store) }
            }
            .get()
    }

    private static func outcome<Value: Sendable>(
        _ work: () async throws(S3Error) -> Value
    ) async -> Result<Value, S3Error> {
        do throws(S3Error) { return .success(try await work()) } catch { return .failure(error) }
    }
}
