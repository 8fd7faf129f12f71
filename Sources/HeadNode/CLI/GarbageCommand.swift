// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import FoundationEssentials
import S3Client
import Staging

/// Frees what nothing needs any more.
struct GarbageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Say what is left over in the bucket, or free it.",
        discussion: """
            Run it on a machine that sees Galaxy's files. Nothing that a live run, a record of a file \
            that is unchanged, or a link needs is freed, and nothing of another Galaxy's. A link that \
            is gone is marked first; what it named is freed a grace period later.

            Without --delete nothing is changed.
            """
    )

    @Flag(help: "Free it.")
    var delete = false

    @Option(
        help: ArgumentHelp(
            "How old it must be, at least 1d.",
            discussion: "A time with a unit, such as 36h.",
            valueName: "time"
        )
    )
    var grace = "7d"

    @Flag(help: "Print every key.")
    var keys = false

    @OptionGroup var config: ConfigOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard let seconds = DurationText.seconds(grace), seconds >= GarbagePlan.shortestGrace
        else {
            throw ValidationError("--grace takes a time of at least 1d, such as 7d or 36h.")
        }
    }

    func run() async throws {
        try await conclude(json: output.json) {
            let seconds = DurationText.seconds(grace) ?? GarbagePlan.shortestGrace
            let settings = try config.settings()
            let session = try await Session(settings)
            let layout = JobLayout(prefix: settings.prefix, instance: settings.instance)
            let transfers = settings.staging.limits.transfers
            let survey = GarbageSurvey(
                store: session.store,
                layout: layout,
                mount: settings.outputs.mount,
                transfers: transfers
            )
            let run = GarbageRun(store: session.store, layout: layout, transfers: transfers)
            func plan() async throws(HeadError) -> GarbagePlan {
                let facts = try await survey()
                return GarbagePlan(facts, grace: seconds, now: Clock.fileTime().seconds)
            }
            guard delete else { return show(try await plan()) }
            try await run.exclusively(now: Clock.fileTime().seconds) { () async throws(HeadError) in
                let plan = try await plan()
                try await run(plan)
                show(plan)
            }
        }
    }

    private func show(_ plan: GarbagePlan) {
        if keys {
            for item in plan.items {
                Console.out(
                    output.json
                        ? Line(reason: item.reason.rawValue, key: "\(item.key)", bytes: item.size)
                            .json
                        : "\(item.key)"
                )
            }
        }
        for sum in plan.sums {
            let line = Line(reason: sum.reason.rawValue, objects: sum.objects, bytes: sum.bytes)
            Console.out(
                output.json
                    ? line.json : "\(sum.reason.rawValue): \(Self.size(sum.objects, sum.bytes))"
            )
        }
        show(plan.uploads)
        if output.json {
            let line = Line(reason: "kept", objects: plan.keptObjects, bytes: plan.keptBytes)
            return Console.out(line.json)
        }
        Console.out("kept: \(Self.size(plan.keptObjects, plan.keptBytes))")
        if !plan.marks.isEmpty {
            let words = delete ? "are marked" : "would be marked"
            Console.out("\(plan.marks.count) links are gone and \(words)")
        }
        if !delete, !plan.items.isEmpty || plan.uploads?.isEmpty == false {
            Console.out("nothing was changed; --delete frees it")
        }
    }

    private func show(_ uploads: [OpenUpload]?) {
        if output.json {
            Console.out(Line(reason: "cut-off upload", objects: uploads?.count, bytes: nil).json)
        } else if let uploads {
            if !uploads.isEmpty { Console.out("cut-off uploads: \(uploads.count)") }
        } else {
            Console.out(
                "cut-off uploads: the store does not list them to us (s3:ListBucketMultipartUploads); "
                    + "a lifecycle rule of the bucket can abort them"
            )
        }
    }

    private static func size(_ objects: Int, _ bytes: Int64) -> String {
        "\(objects) objects, \(bytes) bytes"
    }

    private struct Line: Encodable {
        var reason: String
        var key: String?
        var objects: Int?
        var bytes: Int64?

        var json: String {
            (try? ContractCoding.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
    }
}
