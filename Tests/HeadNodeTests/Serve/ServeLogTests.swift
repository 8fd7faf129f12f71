// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Glibc
import Names
import Testing

@testable import HeadNode

/// What Galaxy's log shows at its usual level: warnings.
@Suite struct ServeLogTests {
    private struct Line: Decodable {
        struct Metrics: Decodable {
            struct Phase: Decodable { var bytes: Int64 }

            var phases: [String: Phase]
            var tries: Int
        }

        var level: String
        var message: String
        var job: String?
        var run: String?
        var state: String?
        var seq: Int?
        var metrics: Metrics?
    }

    /// The levels of the lines that are logged of these events.
    private func levels(_ events: [ServeEvent]) async throws -> [String] {
        try await lines(events).map(\.level)
    }

    private func lines(_ events: [ServeEvent]) async throws -> [Line] {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let log = ServeLog(try LineWriter(ends[1]))
        for event in events { log.write(.event(event)) }
        await log.flush()
        close(ends[1])
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(ends[0], &buffer, buffer.count)
        return try buffer.prefix(max(0, count)).split(separator: UInt8(ascii: "\n"))
            .map { try JSONDecoder().decode(Line.self, from: Data($0)) }
    }

    private func served() throws -> ServedRun {
        ServedRun(job: try FilePath("/j/1"), run: try RunID("1-0123456789abcdef"))
    }

    @Test func whatAPersonShouldSeeIsAWarning() async throws {
        var served = try served()
        let id = TryID(run: served.run, number: 1)
        let events: [RunEvent] = [
            .note("The worker: a file came twice"), .trouble("The run waits"),
            .tryEnded(id, "its node is gone", .disruption), .waiting(id, "its files are fetched"),
        ]
        let told = events.flatMap { served.apply($0) }
        #expect(try await levels(told) == ["info", "warning", "warning", "info"])
    }

    @Test func whatWasLeftBehindIsAWarning() async throws {
        var ending = RunEnding(.failed, "")
        ending.state = .ok
        var served = try served()
        #expect(try await levels(served.finish(ending)) == ["info"])
        ending.refused = ["/j/1/working/pipe was left behind: it is a FIFO"]
        served = try self.served()
        #expect(try await levels(served.finish(ending)) == ["warning"])
    }

    @Test("T34: each state of a run is a line that says whose it is, the last what has been moved")
    func statesAreRecorded() async throws {
        var served = try served()
        let id = TryID(run: served.run, number: 2)
        let pushed = PhaseReport(
            name: "push",
            seconds: 1,
            bytes: 12_345,
            files: 2,
            packed: 0,
            requests: 3,
            retries: 0
        )
        var told: [ServeEvent] = []
        let events: [RunEvent] = [
            .phaseBegan("stage"), .submitted(id), .running(id, "node"),
            .phaseEnded(pushed, alreadyThere: 0), .phaseBegan("collect"),
        ]
        for event in events { told += served.apply(event) }
        var ending = RunEnding(.failed, "")
        ending.state = .ok
        told += served.finish(ending)
        let lines = try await lines(told)
        #expect(lines.map(\.state) == ["staging", "queued", "running", "collecting", "ok"])
        #expect(lines.map(\.seq) == [1, 2, 3, 4, 5])
        #expect(lines.allSatisfy { $0.job == "/j/1" && $0.run == "1-0123456789abcdef" })
        #expect(lines.last?.metrics?.phases["push"]?.bytes == 12_345)
        #expect(lines.last?.metrics?.tries == 2)
    }
}
