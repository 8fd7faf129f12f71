// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import TestSupport
import Testing

@testable import Staging

@Suite struct ForgedReportTests {
    private let world: World
    private let tree: TemporaryTree
    private let outside: TemporaryTree

    init() throws {
        world = try World()
        tree = world.tree
        outside = try TemporaryTree()
        try outside.file("canary", "secret")
    }

    private func refuses(
        _ report: AttemptReport,
        _ spec: RunSpec,
        _ reason: String,
        contentsAlone: Bool = false,
        sourceLocation: SourceLocation
    ) async throws {
        let before = try world.snapshot()
        let error = await #expect(throws: StagingError.self, sourceLocation: sourceLocation) {
            try await world.collect(report, spec)
        }
        #expect(
            error?.what.contains(reason) == true,
            "\(error?.what ?? "")",
            sourceLocation: sourceLocation
        )
        let after = try world.snapshot()
        // Temporary files come and go when the store has to be asked: directories show their times.
        let lines =
            contentsAlone
            ? differences(before.filesAlone, after.filesAlone) : differences(before, after)
        #expect(lines.isEmpty, "\(lines)", sourceLocation: sourceLocation)
        #expect(try TemporaryTree.snapshot(outside.path).count == 1, sourceLocation: sourceLocation)
    }

    @Test(
        "invariants 1, 2 and 7, B26, B28, B57, B59: a forged report is refused and changes nothing on disk"
    )
    func forgedReports() async throws {
        let (report, spec) = try await world.committed()
        let large = try #require(report.files.firstIndex { $0.size == 5_000 })
        let file = try tree.at("jobs/1/working/d/file")
        let packed = try #require(report.files.firstIndex { $0.path == file })
        func forge(
            _ reason: String,
            sourceLocation: SourceLocation = #_sourceLocation,
            _ change: (inout AttemptReport) throws -> Void
        ) async throws {
            var forged = report
            try change(&forged)
            try await refuses(forged, spec, reason, sourceLocation: sourceLocation)
        }
        let foreign = outside.path.description + "/canary"

        // Paths that are not the run's.
        for path in [foreign, "/etc/cron.d/x", "/", tree.path.description + "/data/other.dat"] {
            try await forge("outside the job") { $0.files[large].path = try FilePath(path) }
        }
        for path in ["jobs/12/x", "jobs/1x", "data", "data/large.dat.x", "data/large_filesx/y"] {
            try await forge("outside the job") { $0.files[packed].path = try tree.at(path) }
        }
        for path in [
            "_working/x", "galaxy_s3/state", "tmp", "home/.bashrc", "_configs/a/b", "_outputs",
        ] {
            try await forge("stays in the pod") {
                $0.files[large].path = try tree.at("jobs/1/" + path)
            }
            try await forge("stays in the pod") {
                $0.directories[0].path = try tree.at("jobs/1/" + path)
            }
        }
        for path in ["jobs/1", "data/large_files"] {
            try await forge("a directory, as a file") { $0.files[large].path = try tree.at(path) }
        }
        try await forge("a file, as a directory") {
            $0.directories[0].path = try tree.at("jobs/1/outputs/tool_stdout")
        }
        try await forge("outside the job") {
            $0.directories[0].path = try tree.at("data/small.dat")
        }
        try await forge("outside the job") { $0.directories[0].path = try FilePath(foreign) }

        // Keys that are not the attempt's.
        let layout = spec.layout.keys
        let other = try AttemptID(drawnFor: "other")
        let otherRun = try RunID("2-0123456789abcdef")
        let keys = [
            layout.data(spec.run, other, 0), layout.data(otherRun, report.attempt, 0),
            layout.spec(spec.run), layout.result(spec.run), try ObjectKey("x"),
            try ObjectKey("data/main/x"), spec.packs[0].key,
        ]
        for key in keys {
            try await forge("not the attempt's") { $0.files[large].location = .object(key) }
            try await forge("not the attempt's") { $0.packs[0].key = key }
        }
        try await forge("not the attempt's") {
            let empty = layout.data(spec.run, report.attempt, 0).bytes.dropLast()
            $0.files[large].location = .object(try ObjectKey(empty))
        }

        // Numbers that cannot be.
        for index in [2, -1, .max, .min] {
            try await forge("which it does not have") { $0.files[packed].location = .pack(index) }
        }
        for size in [-1, .min, .max] as [Int64] {
            try await forge("has \(size) bytes") { $0.files[large].size = size }
            try await forge("has \(size) bytes") { $0.packs[0].size = size }
        }
        try await forge("files") { $0.packs[0].files = -1 }

        // Places named twice or in each other's way.
        try await forge("twice") { $0.files.append($0.files[large]) }
        try await forge("twice") { $0.files[packed].path = $0.files[large].path }
        try await forge("twice") {
            $0.links.append(LinkEntry(path: $0.files[packed].path, target: ByteString("d")))
        }
        try await forge("twice") { $0.directories.append($0.directories[0]) }
        try await forge("which is no directory") {
            $0.files[large].path = try tree.at("jobs/1/working/link/x")
        }
        try await forge("which is no directory") {
            $0.directories[0].path = try tree.at("jobs/1/working/d/file/x/y")
        }

        // Links that lead out, or take the place of what Galaxy reads.
        for target in [foreign, "/etc/passwd", "../../../../x", "/", ""] {
            try await forge("outside the job") { $0.links[0].target = ByteString(target) }
        }
        try await forge("a file, as a link") {
            $0.links[0].path = try tree.at("jobs/1/outputs/tool_stdout")
        }
        try await forge("a file, as a link") {
            $0.files.removeAll { $0.size == 5_000 }
            $0.links[0].path = try tree.at("data/large.dat")
        }
        try await forge("speaks of the run") { $0.run = otherRun }

        // What only the store can tell.
        func forgeBytes(
            _ reason: String,
            sourceLocation: SourceLocation = #_sourceLocation,
            _ change: (inout AttemptReport) throws -> Void
        ) async throws {
            var forged = report
            try change(&forged)
            try await refuses(
                forged,
                spec,
                reason,
                contentsAlone: true,
                sourceLocation: sourceLocation
            )
        }
        try await forgeBytes("Cannot collect") { $0.files[large].size = 4_999 }
        try await forgeBytes("Cannot collect") { $0.files[large].digest = CRC64NVME(value: 1) }
        try await forgeBytes("Cannot collect") {
            $0.files[large].location = .object(layout.data(spec.run, report.attempt, 99))
        }
        try await forgeBytes("another checksum") { $0.files[packed].digest = CRC64NVME(value: 1) }
        try await forgeBytes("does not name so") { $0.files[packed].size += 1 }
        try await forgeBytes("does not name so") { $0.files.remove(at: packed) }
        try await forgeBytes("which the report promises") {
            $0.files[large].location = .pack(0)
        }
        try await forgeBytes("is not the promised one") { $0.packs[0].size += 512 }
        try await forgeBytes("is not the promised one") {
            $0.packs[0].digest = .crc64nvme(CRC64NVME(value: 1))
        }
        try await forgeBytes("is not the promised one") {
            $0.packs[0].digest = .sha256(SHA256Digest(of: []))
        }
        try await forgeBytes("Cannot fetch the pack") {
            $0.packs[0].key = layout.pushedPack(spec.run, report.attempt, 9)
        }

        // And the true one is taken.
        try await world.collect(report, spec)
        #expect(try world.text("data/small.dat") == "small")
    }
}
