// SPDX-License-Identifier: Apache-2.0

import Names
import S3Client
import TestSupport
import Testing

/// The bucket as `gc --delete` finds it three days later: a proxy gives another date to the lock by which
/// `gc` knows the store's clock.
struct LaterBucket {
    private let endpoint: String

    static func run(_ body: (LaterBucket) async throws -> Void) async throws {
        try await FaultyStore.run { store in
            try store.rules("[\(lock(dated: "+3 days"))]")
            try await body(LaterBucket(endpoint: store.lab.server.endpoint))
        }
    }

    /// A rule by which the lock has this date, which date(1) knows from now.
    ///
    /// - Parameter more: further fields of the rule.
    static func lock(
        dated date: String,
        _ more: String = ""
    ) throws -> String {
        let text = try Shell.run("date -u -d '\(date)' '+%a, %d %b %Y %H:%M:%S GMT'")
        let moment = text.prefix { $0 != "\n" }
        let fields = #""operation": "HeadObject", "key": "/gc/"\#(more)"#
        return #"{\#(fields), "headers": {"Last-Modified": "\#(moment)"}}"#
    }

    /// Frees what is left over of a lab.
    func free(
        _ lab: Lab,
        _ options: [String] = []
    ) async throws -> RunningProgram.Ending {
        try await lab.free(["--set", "s3.endpoint=\(endpoint)"] + options)
    }

    /// Whatever was cut off: what the job's run needs stays, and nothing of it is left when nobody wants
    /// anything of it any more.
    func expectNothingLeft(
        of carried: CarriedJob,
        _ place: String
    ) async throws {
        let lab = carried.lab
        // As before Galaxy has taken the run in.
        try Shell.run("rm -f \(carried.job.directory)/galaxy_s3/forgotten")
        try await expectFreed(carried, place)
        let again = try await lab.head("collect", carried.job, carried.options)
        #expect(again.status == 0, "\(place), collected after gc: \(again.errors)")
        #expect(try await carried.isThere(), "\(place), collected after gc")
        try carried.abandon()
        // A link that is gone is marked by the first.
        for _ in 0..<(carried.way == .linked ? 2 : 1) { try await expectFreed(carried, place) }
        // A Galaxy's sign says that it was here, for whoever frees space next.
        let left = try await lab.keys().filter { !$0.contains("/galaxies/") }
        #expect(left == [], "\(place)")
        let uploads = try await lab.store.openUploads(below: Array("\(lab.prefix)/".utf8))
        #expect(uploads.map(\.key.description) == [], "\(place)")
    }

    private func expectFreed(
        _ carried: CarriedJob,
        _ place: String
    ) async throws {
        let ending = try await free(carried.lab, carried.options)
        #expect(ending.status == 0, "\(place): \(ending.errors)")
    }
}

extension Lab {
    /// Frees what nobody needs and is older than a day.
    func free(
        _ options: [String] = [],
        through wrapper: [String] = []
    ) async throws -> RunningProgram.Ending {
        let words = [programs.headNode, "gc", "--delete", "--grace", "1d", "--patience", "0"]
        let program = try RunningProgram(
            wrapper + words + settings + options,
            environment: environment,
            streams: "\(folder)/streams/gc-\(Self.serial.next())"
        )
        return try await program.ending()
    }
}
