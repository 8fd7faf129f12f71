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

            Each Galaxy that is served signs in the bucket, and on its disk. While there is a sign \
            that this machine's disk does not have, nothing is freed: what is gone here may be \
            another Galaxy's. --adopt says that the others are gone for good; it frees nothing.

            Without --delete nothing is changed.
            """
    )

    @Flag(help: "Free it.")
    var delete = false

    @Flag(help: "Forget Galaxies of this instance that are gone for good, and do no more.")
    var adopt = false

    @Flag(help: "With --adopt: also if links that are not on this disk are given up by that.")
    var abandonLinks = false

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

    @Option(
        help: ArgumentHelp(
            "How many seconds to wait, three times, for a disk that shows a word late.",
            visibility: .hidden
        )
    )
    var patience: Int = 20

    @OptionGroup var config: ConfigOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard let seconds = DurationText.seconds(grace), seconds >= GarbagePlan.shortestGrace
        else {
            throw ValidationError("--grace takes a time of at least 1d, such as 7d or 36h.")
        }
        if adopt, delete {
            throw ValidationError("--adopt frees nothing: say --delete the next time.")
        }
        if abandonLinks, !adopt { throw ValidationError("--abandon-links goes with --adopt.") }
    }

    func run() async throws {
        try await conclude(json: output.json) {
            let seconds = DurationText.seconds(grace) ?? GarbagePlan.shortestGrace
            let settings = try config.settings()
            let session = try await Session(settings)
            let layout = JobLayout(prefix: settings.prefix, instance: settings.instance)
            let transfers = settings.staging.limits.transfers
            let pauses = [Duration](repeating: .seconds(max(0, patience)), count: 3)
            let signs = GalaxySigns(store: session.store, layout: layout, pauses: pauses)
            let survey = GarbageSurvey(
                store: session.store,
                layout: layout,
                mount: settings.outputs.mount,
                transfers: transfers,
                signs: signs
            )
            let run = GarbageRun(store: session.store, layout: layout, transfers: transfers)
            // Taken before anything is listed: what is stored meanwhile is no older than it is.
            let now = Clock.fileTime().seconds
            func plan(_ now: Int64) async throws(HeadError) -> GarbagePlan {
                GarbagePlan(try await survey(), grace: seconds, now: now)
            }
            guard delete || adopt else { return show(try await plan(now)) }
            try await run.exclusively(now: now) { (now) async throws(HeadError) in
                if adopt {
                    if !abandonLinks { try await survey.checkAbandonment() }
                    return show(try await signs.adopt(now: now))
                }
                let plan = try await plan(now)
                try await run(plan)
                show(plan)
            }
        }
    }

    private func show(_ adopted: [GalaxySigns.Found]) {
        for found in adopted {
            let (server, host) = (found.sign.server, found.sign.host)
            let line = Line(reason: "adopted", key: "\(found.key)")
            Console.out(
                output.json
                    ? line.json
                    : "forgotten: server \(Array(server.utf8).logSafe) on \(Array(host.utf8).logSafe)"
            )
        }
        if adopted.isEmpty, !output.json { Console.out("no other Galaxy has signed") }
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
