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
        var level: String
        var message: String
    }

    /// The levels of the lines that are logged of these events.
    private func levels(_ events: [ServeEvent]) async throws -> [String] {
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
            .map { try JSONDecoder().decode(Line.self, from: Data($0)).level }
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
}
