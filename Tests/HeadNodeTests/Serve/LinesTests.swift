// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import HeadNode

/// The two pipes.
@Suite struct LinesTests {
    @Test func linesAreCutWhereverTheReadsEnd() {
        let text = "one\n\ntwo\r\n" + String(repeating: "x", count: 40) + "\nthree\nfour"
        let bytes = Array(text.utf8)
        let whole: [LineReader.Line] = [
            .bytes(Array("one".utf8)), .bytes(Array("two\r".utf8)), .tooLong,
            .bytes(Array("three".utf8)),
        ]
        for size in 1...bytes.count {
            var cutter = LineCutter(longest: 20)
            var found: [LineReader.Line] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                found += cutter.add(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(found == whole, "read by \(size)")
        }
    }

    @Test func aLineOfExactlyTheLimitIsTaken() {
        var cutter = LineCutter(longest: 4)
        #expect(cutter.add(Array("1234\n12345\n12\n".utf8)[...]).count == 3)
        #expect(
            cutter.add(Array("1234\n12345\n".utf8)[...]) == [.bytes(Array("1234".utf8)), .tooLong]
        )
    }

    @Test func whatIsReadComesInOrderHoweverFastItIsWritten() async throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (lines, _) = LineReader.lines(of: ends[0], longest: 100)
        let writer = try LineWriter(ends[1])
        for number in 0..<5000 { writer.write(Array("\(number)".utf8)) }
        var next = 0
        for await line in lines {
            #expect(line == .bytes(Array("\(next)".utf8)))
            next += 1
            if next == 5000 { break }
        }
        #expect(next == 5000)
        await writer.flush(within: .seconds(60))
        #expect(!writer.isFull)
    }

    @Test func aReaderWhoIsBehindHoldsUpNobody() async throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let writer = try LineWriter(ends[1])
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<40 { writer.write(line, canWait: true) }
        #expect(writer.isFull)
        #expect(writer.dropped > 0)
        let dropped = writer.dropped
        writer.write(Array("state".utf8))
        #expect(writer.dropped == dropped, "what must be told waits for as long as it takes")
        close(ends[0])
    }

    @Test func thatNobodyReadsIsNoticedOnce() async throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let broken = Counter()
        let isBroken = Mutex(false)
        let writer = try LineWriter(ends[1]) {
            _ = broken.next()
            isBroken.withLock { $0 = true }
        }
        close(ends[0])
        writer.write([1])
        try await Patience.long.wait("the end to be noticed") { isBroken.withLock { $0 } }
        writer.write([2])
        await writer.flush(within: .seconds(60))
        #expect(broken.value == 1)
    }

    @Test func namesOfServersAreNamesOfFiles() throws {
        func file(_ name: String) throws -> String { try #require(ServerName(name)).fileName }
        #expect(try file("main.job-handlers.1") == "main.job-handlers.1")
        #expect(try file("../x") == "..%2fx")
        #expect(try file("a b\n") == "a%20b%0a")
        let long = String(repeating: "ä", count: 90)
        #expect(try file(long).utf8.count == 66)
        #expect(try file(long) != (try file(long + "b")))
        #expect(ServerName("") == nil)
        #expect(ServerName(String(repeating: "a", count: 201)) == nil)
        let names = ["%41", "A", "a", "%%", "..", "é", "e\u{301}"]
        #expect(try Set(names.map { Array(try file($0).utf8) }).count == names.count)
    }
}
