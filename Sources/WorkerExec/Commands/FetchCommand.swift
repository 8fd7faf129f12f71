// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Names

/// The init container's part.
struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Fetch the job's files and hand over to `tool` and `push`."
    )

    @OptionGroup var options: AttemptOptions

    @Option(help: "A folder of the node that keeps what many jobs read. Only for `fetch`.")
    var cache: String?

    @Option(help: "How much it may keep, in bytes.")
    var cacheSize: Int64 = 0

    func run() async throws {
        try await conclude { () async throws(WorkerFailure) in
            var place: NodeCachePlace?
            if let cache {
                let path = try FilePath(argument: cache, option: "--cache")
                place = NodeCachePlace(path: path, bytes: cacheSize)
            }
            try await Worker(options).fetchOnly(place)
        }
    }
}
