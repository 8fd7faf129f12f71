// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import Testing

@testable import Staging

/// What happens to each collected file, by output mode.
@Suite struct OutputPlanTests {
    private let world: World

    init() throws { world = try World() }

    /// Two outputs in place with extra files, one of them small and one empty, and an output in the job
    /// directory.
    private func committed() async throws -> (AttemptReport, RunSpec) {
        try world.addOutput("data/large.dat", extra: "data/large_files")
        try world.addOutput("data/small.dat")
        try world.addOutput("data/empty.dat")
        try world.addOutput("jobs/1/outputs/inside.dat")
        let spec = try await world.spec(ownOutputs: true)
        _ = try await world.fetch(spec)
        let large = [UInt8](repeating: 5, count: 5_000)
        for name in ["data/large.dat", "jobs/1/outputs/inside.dat", "jobs/1/working/found.dat"] {
            try TemporaryTree.write(large, to: world.tree.at(name))
        }
        try TemporaryTree.makeDirectories(world.tree.at("data/large_files"))
        try TemporaryTree.write(large, to: world.tree.at("data/large_files/part"))
        try world.write("data/small.dat", "small")
        try world.write("jobs/1/galaxy_1.ec", "0")
        let report = try await world.push(spec)
        try world.swap()
        return (report, spec)
    }

    private func names(_ paths: some Sequence<FilePath>) -> [String] {
        paths.map { String(decoding: $0.relative(to: world.tree.path)?.bytes ?? [], as: UTF8.self) }
            .sorted()
    }

    @Test func everythingIsCopied() async throws {
        let (report, spec) = try await committed()
        let plan = try OutputPlan(
            report,
            of: spec,
            given: GivenPlaces(spec, world.description),
            mode: .copy
        )
        #expect(plan.kept.isEmpty)
        #expect(
            names(plan.collected.objects.map(\.file.path)) == [
                "data/large.dat", "data/large_files/part", "data/small.dat",
                "jobs/1/outputs/inside.dat", "jobs/1/working/found.dat",
            ]
        )
    }

    @Test(arguments: [OutputMode.link, .objectStore])
    func whatHasBytesAtItsFinalPlaceStays(_ mode: OutputMode) async throws {
        let (report, spec) = try await committed()
        let plan = try OutputPlan(
            report,
            of: spec,
            given: GivenPlaces(spec, world.description),
            mode: mode
        )
        #expect(names(plan.kept.map(\.file.path)) == ["data/large.dat", "data/small.dat"])
        let copied = names(plan.collected.objects.map(\.file.path))
        #expect(
            copied == [
                "data/large_files/part", "jobs/1/outputs/inside.dat", "jobs/1/working/found.dat",
            ]
        )
        let packed = plan.collected.packs.flatMap { $0.files.keys }
        #expect(names(packed).contains("data/empty.dat"))
    }

    @Test func ofARunThatFailedNothingBecomesALink() async throws {
        var (report, spec) = try await committed()
        let given = GivenPlaces(spec, world.description)
        report.tool.exitCode = 1
        #expect(try OutputPlan(report, of: spec, given: given, mode: .link).kept.isEmpty)
        #expect(try OutputPlan(report, of: spec, given: given, mode: .objectStore).kept.count == 2)
        report.tool.exitCode = 0
        report.lost = ["The output \"x\" did not come back"]
        #expect(try OutputPlan(report, of: spec, given: given, mode: .link).kept.isEmpty)
    }

    @Test func whatCannotStayIsCopied() async throws {
        let (report, spec) = try await committed()
        let all = try OutputPlan(
            report,
            of: spec,
            given: GivenPlaces(spec, world.description),
            mode: .copy
        )
        .collected.objects
        var plan = try OutputPlan(
            report,
            of: spec,
            given: GivenPlaces(spec, world.description),
            mode: .link
        )
        plan.copy(plan.kept)
        #expect(plan.kept.isEmpty)
        #expect(Set(plan.collected.objects.map(\.file)) == Set(all.map(\.file)))
        #expect(Set(plan.collected.objects.map(\.key)) == Set(all.map(\.key)))
    }

    @Test(arguments: OutputMode.allCases)
    func aForgedReportIsRefusedInEveryMode(_ mode: OutputMode) async throws {
        var (report, spec) = try await committed()
        let stranger = try AttemptID(drawnFor: "other")
        let key = world.layout.data(spec.run, stranger, 0)
        let index = try #require(
            report.files.firstIndex { $0.path == spec.outputs.first?.path }
        )
        report.files[index].location = .object(key)
        let forged = report
        #expect(throws: StagingError.self) {
            try OutputPlan(
                forged,
                of: spec,
                given: GivenPlaces(spec, world.description),
                mode: mode
            )
        }
    }
}
