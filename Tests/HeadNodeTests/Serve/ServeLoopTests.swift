// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client
import TestSupport
import Testing

@testable import HeadNode

/// Many jobs, and what comes between them, with runs that are scripted.
@Suite struct ServeLoopTests {
    private static let hello =
        #"{"id":0,"method":"hello","params":{"plugin":"","protocol":1,"server_name":"main"}}"#

    private func talk(
        _ body: @Sendable (ScriptedPlugin) async throws -> Void
    ) async throws {
        try await ScriptedPlugin()
            .talk { plugin in
                plugin.say(Self.hello)
                _ = try await plugin.hear()
                try await body(plugin)
            }
    }

    private func submit(_ id: Int, _ job: String) -> String {
        #"{"id":\#(id),"method":"submit","params":{"job":"\#(job)"}}"#
    }

    @Test func aThousandJobsAtOnceAreAllTold() async throws {
        try await talk { plugin in
            let count = 1000
            for number in 1...count { plugin.say(submit(number, "/j/\(number)")) }
            for number in 1...count {
                for step in ["phase stage", "submitted 1", "running 1 node"] {
                    try plugin.let(step, happenTo: "/j/\(number)")
                }
                plugin.work.happen(
                    .ended(RunEnding(.failed, "x")),
                    to: try FilePath("/j/\(number)")
                )
            }
            var ended: Set<String> = []
            while ended.count < count {
                let line = try await plugin.hear()
                guard line.contains(#""state":"failed""#), line.contains(#""event""#) else {
                    continue
                }
                let job = try #require(line.split(separator: #""job":""#).dropFirst().first)
                #expect(ended.insert(String(job.prefix { $0 != "\"" })).inserted, "told once")
            }
            #expect(Set(plugin.work.carried).count == count)
            #expect(plugin.work.carried.count == count)
        }
    }

    /// A run is cancelled wherever it is, and ended by what it has come to.
    @Test(arguments: ["", "phase stage", "submitted 3", "running 3 node", "phase collect"])
    func cancelInEachState(_ step: String) async throws {
        try await talk { plugin in
            plugin.say(submit(1, "/j/1"))
            #expect(try await plugin.hear().contains(#""state":"staging""#))
            if !step.isEmpty {
                try plugin.let(step, happenTo: "/j/1")
                _ = try await plugin.hear()
            }
            plugin.say(#"{"id":2,"method":"cancel","params":{"job":"/j/1"}}"#)
            #expect(try await plugin.hear().contains(#""state":"cancelled""#))
            let answer = try await plugin.hear()
            #expect(answer.contains(#""id":2"#) && answer.contains(#""state":"cancelled""#))
            let ended = plugin.work.ended
            #expect(ended.count == 1)
            let tries = step.contains("3") ? 3 : 0
            #expect(ended.first?.tries == tries, "the tries that were heard of are ended")
        }
    }

    @Test func cancelGoesOnUntilTheFenceStands() async throws {
        try await talk { plugin in
            let job = try FilePath("/j/1")
            let away = HeadError(
                S3Error(.unreachable, what: "refused"),
                doing: "Cannot end the run"
            )
            plugin.work.end(job, [.failure(away), .failure(away)])
            plugin.say(submit(1, "/j/1"))
            _ = try await plugin.hear()
            plugin.say(#"{"id":2,"method":"cancel","params":{"job":"/j/1"}}"#)
            for _ in 0..<2 { #expect(try await plugin.hear().contains("is not ended yet")) }
            #expect(try await plugin.hear().contains(#""state":"cancelled""#))
            #expect(try await plugin.hear().contains(#""id":2"#))
        }
    }

    /// What is given up may have committed at the last moment.
    @Test func aRunThatIsGivenUpAndHasResultsIsCollected() async throws {
        try await talk { plugin in
            let job = try FilePath("/j/1")
            plugin.work.end(job, [.success(nil)])
            plugin.work.happen(.fails(HeadError(.damaged, what: "a report")), to: job)
            var ending = RunEnding(.failed, "")
            ending.state = .ok
            ending.exitCode = 0
            plugin.work.happen(.ended(ending), to: job)
            plugin.say(submit(1, "/j/1"))
            _ = try await plugin.hear()
            #expect(try await plugin.hear().contains(#""state":"ok""#))
            #expect(plugin.work.carried.count == 2)
        }
    }

    @Test func aRunWhoseResultsCannotBeCollectedFailsInTheEnd() async throws {
        try await talk { plugin in
            let job = try FilePath("/j/1")
            plugin.work.end(job, [.success(nil), .success(nil)])
            for _ in 0..<2 {
                plugin.work.happen(.fails(HeadError(.damaged, what: "a report")), to: job)
            }
            plugin.say(submit(1, "/j/1"))
            _ = try await plugin.hear()
            let end = try await plugin.hear()
            #expect(end.contains(#""state":"failed""#) && end.contains("Left."), "\(end)")
            #expect(plugin.work.carried.count == 2)
        }
    }

    @Test func jobsAreLeftAsTheyAreWhenThePluginIsGone() async throws {
        let plugin = ScriptedPlugin()
        try await plugin.talk { plugin in
            plugin.say(Self.hello)
            for number in 1...50 { plugin.say(submit(number, "/j/\(number)")) }
            for number in 1...50 { try plugin.let("running 1 node", happenTo: "/j/\(number)") }
            for number in 1...50 {
                #expect(try await plugin.hearState(of: "/j/\(number)") == .running)
            }
            await plugin.hangUp()
        }
        #expect(plugin.work.interrupted.count == 50)
        #expect(plugin.work.ended.count == 0, "nothing is ended")
        #expect(!plugin.unheard.contains { $0.contains(#""event""#) }, "nothing is told")
    }

    @Test func aJobThatIsRefusedCanBeSubmittedAgain() async throws {
        try await talk { plugin in
            let job = try FilePath("/j/1")
            plugin.work.refuse(
                Refusal(code: "busy", message: "another head", isRetryable: true),
                job
            )
            plugin.say(submit(1, "/j/1"))
            #expect(try await plugin.hear().contains(#""retryable":true"#))
            plugin.work.allow(job)
            plugin.say(submit(2, "/j/1"))
            #expect(try await plugin.hear().contains(#""id":2,"result""#))
        }
    }

    @Test func figuresFollowTheRuns() async throws {
        try await talk { plugin in
            plugin.say(
                #"{"id":1,"method":"submit","params":{"destination":{"name":"d"},"job":"/j/1"}}"#
            )
            _ = try await plugin.hear()
            func page() -> String {
                var text = MetricsText()
                plugin.metrics.write(to: &text)
                return text.text
            }
            let prefix = MetricNames.prefix
            #expect(page().contains(prefix + #"waiting_cpu_cores{destination="d"} 0.5"# + "\n"))
            #expect(page().contains(prefix + #"waiting_input_bytes{destination="d"} 1000"# + "\n"))
            try plugin.let("running 1 node", happenTo: "/j/1")
            _ = try await plugin.hear()
            #expect(page().contains(prefix + #"waiting_cpu_cores{destination="d"} 0"# + "\n"))
            #expect(page().contains(prefix + #"runs{destination="d",state="running"} 1"# + "\n"))
            try plugin.let("lost 1 gone", happenTo: "/j/1")
            try plugin.let("away", happenTo: "/j/1")
            for _ in 0..<2 { _ = try await plugin.hear() }
            #expect(page().contains(prefix + #"tries_failed_total{reason="disruption"} 1"# + "\n"))
            #expect(page().contains(prefix + "run_retries_total 1\n"))
            plugin.work.happen(.ended(RunEnding(.walltime, "x")), to: try FilePath("/j/1"))
            _ = try await plugin.hear()
            let outcome = #"runs_ended_total{destination="d",outcome="walltime_reached"} 1"#
            #expect(page().contains(prefix + outcome + "\n"))
            plugin.say(#"{"id":2,"method":"forget","params":{"job":"/j/1"}}"#)
            _ = try await plugin.hear()
            #expect(!page().contains(prefix + "runs{"))
        }
    }

    @Test("what Galaxy has let go of is noted, a run that goes on is not")
    func forgetting() async throws {
        try await talk { plugin in
            let job = try FilePath("/j/1")
            let forget = #"{"id":9,"method":"forget","params":{"job":"/j/1"}}"#
            plugin.say(submit(1, "/j/1"))
            try plugin.let("running 1 node", happenTo: "/j/1")
            while try await !plugin.hear().contains(#""state":"running""#) {}
            plugin.say(forget)
            #expect(try await plugin.hear().contains("error"))
            plugin.work.happen(.ended(RunEnding(.failed, "x")), to: job)
            while try await !plugin.hear().contains(#""state":"failed""#) {}
            for _ in 0..<2 {
                plugin.say(forget)
                #expect(try await !plugin.hear().contains("error"))
            }
            try await Patience.long.wait("both to be noted") { plugin.work.forgotten.count == 2 }
            // Another process may have told of the end.
            #expect(plugin.work.forgotten.map(\.job) == [job, job])
            #expect(plugin.work.forgotten.compactMap(\.run).count == 1)
        }
    }
}
