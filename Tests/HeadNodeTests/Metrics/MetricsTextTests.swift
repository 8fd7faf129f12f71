// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import TestSupport
import Testing

@testable import HeadNode

@Suite struct MetricsTextTests {
    @Test func thePageIsWrittenAsPrometheusReadsIt() throws {
        var text = MetricsText()
        text.add(
            "runs",
            .gauge,
            "Runs, by \\ and\nline.",
            [
                .init(
                    labels: [.init("destination", "a\"b\\c\nd é"), .init("state", "ok")],
                    value: 2
                ),
                .init(labels: [.init("destination", ""), .init("state", "ok")], value: 0.5),
            ]
        )
        var histogram = Histogram()
        for seconds in [0.1, 0.2, 90_000] { histogram.add(seconds) }
        text.add("seconds", .histogram, "Time.", histogram.samples(.init("phase", "tool")))
        text.add("nothing", .counter, "Left out.", [])
        text.add("big_total", .counter, "A large number.", Int64.max / 2)
        let lines = text.text.split(separator: "\n").map(String.init)
        #expect(
            lines.prefix(6) == [
                #"# HELP runs Runs, by \\ and\nline."#, "# TYPE runs gauge",
                #"runs{destination="a\"b\\c\nd é",state="ok"} 2"#,
                #"runs{destination="",state="ok"} 0.5"#, "# HELP seconds Time.",
                "# TYPE seconds histogram",
            ]
        )
        #expect(lines.contains(#"seconds_bucket{phase="tool",le="0.1"} 1"#))
        #expect(lines.contains(#"seconds_bucket{phase="tool",le="0.5"} 2"#))
        #expect(lines.contains(#"seconds_bucket{phase="tool",le="86400"} 2"#))
        #expect(lines.contains(#"seconds_bucket{phase="tool",le="+Inf"} 3"#))
        #expect(lines.contains(#"seconds_count{phase="tool"} 3"#))
        #expect(lines.last == "big_total 4611686018427387904")
        try ExpositionCheck.check(text.text)
    }

    @Test func everyFamilyOfTheRealPageIsInOrder() throws {
        let runs = RunMetrics()
        let run = try ScriptedRun.make(destination: "a\nb")
        runs.opened(run)
        runs.moved(run, from: .staging, to: .running)
        runs.note(.tryEnded(TryID(run: run.run, number: 1), "gone", .disruption))
        var ending = RunEnding(.walltime, "x")
        ending.phases = [
            PhaseReport(name: "tool", seconds: 3), PhaseReport(name: "odd", seconds: 1),
        ]
        runs.ended(run, was: .running, ending, isNews: true)
        let page = MetricsPage(
            server: try #require(ServerName("main\"1")),
            runs: runs,
            store: S3Metrics(),
            cluster: ClusterMetrics(),
            isOutOfReach: { true }
        )
        let text = page.text.text
        try ExpositionCheck.check(text)
        #expect(!text.contains(#"phase="odd""#), "what a worker says is no label")
        for family in page.text.families {
            let isOurs = family.name.hasPrefix("galaxy_s3_executor_")
            #expect(isOurs || family.name.hasPrefix("process_"))
            #expect((family.kind == .counter) == family.name.hasSuffix("_total"))
        }
        let manual = try Repository.text("docs/metrics.md")
        for family in page.text.families {
            #expect(manual.contains("`\(family.name)`"), "\(family.name) is not in docs/metrics.md")
        }
        let documented = manual.matches(of: /galaxy_s3_executor_[a-z0-9_]+/)
            .map { String($0.output) }
        let known = Set(page.text.families.map(\.name))
        // What nothing was counted for is left out of a page.
        let empty = ["s3_requests_total", "s3_errors_total"].map { MetricNames.prefix + $0 }
        for name in documented { #expect(known.contains(name) || empty.contains(name), "\(name)") }
        #expect(text.contains("process_resident_memory_bytes "))
        #expect(text.contains("galaxy_s3_executor_cluster_out_of_reach 1\n"))
    }

    @Test func destinationsAreNotWithoutEnd() throws {
        let runs = RunMetrics()
        for number in 0..<1000 { runs.opened(try ScriptedRun.make(destination: "d\(number)")) }
        var text = MetricsText()
        runs.write(to: &text)
        let family = try #require(text.families.first { $0.name.hasSuffix("executor_runs") })
        #expect(family.samples.count == 101)
        #expect(family.samples.map(\.value).reduce(0, +) == 1000)
    }

    @Test func theProcessIsReadWhateverItsName() throws {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 0 1 2 3 4 150 50 0 0 20 0 9 0 100 5000 77 18446"
        let figures = try #require(
            ProcessFigures(stat: Array(stat.utf8), ticks: 100, pageSize: 4096)
        )
        #expect(figures.cpuSeconds == 2)
        #expect(figures.threads == 9)
        #expect(figures.residentBytes == 77 * 4096)
        #expect(ProcessFigures(stat: [], ticks: 100, pageSize: 4096) == nil)
        let own = try #require(ProcessFigures.read())
        #expect(own.residentBytes > 1 << 20)
        #expect(own.openFiles > 2 && Int64(own.openFiles) < own.mostOpenFiles)
    }
}

/// Files of the repository.
private enum Repository {
    static func text(_ path: String) throws -> String {
        let folders = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
        return String(
            decoding: try ChildProcess.contents(of: "\(folders)/\(path)"),
            as: UTF8.self
        )
    }
}

/// A run for counting.
enum ScriptedRun {
    static func make(destination: String?) throws -> OpenedRun {
        OpenedRun(
            job: try .init("/j/1"),
            run: try RunID("1-0123456789abcdef"),
            descriptionSHA256: .init(of: []),
            settings: RunSettings(try ScriptedWork.settings.get()),
            destination: destination,
            demand: RunDemand(cpu: 1500, memory: 1 << 30, bytes: 10),
            isResumed: false,
            ending: nil
        )
    }
}
