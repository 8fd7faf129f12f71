// SPDX-License-Identifier: Apache-2.0

import Digests
import TestSupport
import Testing
import Transport

/// How bytes get from many transfers at once to their sinks.
@Suite struct SinkTests {
    @Test func `Bodies that arrive together stay apart`() async throws {
        let size = 3_000_000
        let server = try StubHTTPServer(
            scripts: Array(
                repeating: [
                    .read,
                    // Whoever is late must not take a connection that is about to end.
                    .send("HTTP/1.1 200 OK\r\nConnection: close\r\n"),
                    .send("Content-Length: \(size)\r\n\r\n"), .sendPattern(size),
                ],
                count: 8
            )
        )
        defer { server.stop() }
        var expected: [UInt8] = []
        while expected.count < size {
            expected += StubHTTPServer.pattern(min(65_521, size - expected.count))
        }
        let checksum = CRC64NVME(of: expected)
        let transport = try CurlTransport(.forTests)
        try await withThrowingTaskGroup(of: DiscardSink.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let sink = DiscardSink()
                    _ = try await transport.send(HTTPRequest(.get, server.url), to: sink)
                    return sink
                }
            }
            for try await sink in group {
                #expect(sink.checksum == checksum)
                #expect(sink.count == Int64(size))
            }
        }
    }

    @Test func `What has arrived is handed over while the server thinks on`() async throws {
        let gate = StubHTTPServer.Gate()
        let server = try StubHTTPServer([
            .read, .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nevent1\r\n"),
            .wait(gate), .send("6\r\nevent2\r\n0\r\n\r\n"),
        ])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let sink = MemorySink(limit: 100)
        async let answer = transport.send(HTTPRequest(.get, server.url), to: sink)
        while sink.bytes.isEmpty { await Task.yield() }
        #expect(sink.bytes == Array("event1".utf8))
        gate.open()
        #expect(try await answer.bodyLength == 12)
        #expect(sink.bytes == Array("event1event2".utf8))
    }

    @Test func `A sink that throws at a body's last bytes is heard`() async throws {
        let server = try StubHTTPServer([
            .read, .send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12345"), .hold,
        ])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, server.url), to: MemorySink(limit: 4))
        }
        #expect(error?.code == .bodySink)
    }

    @Test func `A bytes body can be read twice`() throws {
        let body = HTTPBody.joined([.bytes([1]), .bytes([2, 3])])
        for _ in 0..<2 {
            let reader = try body.makeReader()
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 2)
            while case let count = try buffer.withUnsafeMutableBytes({ try reader.read(into: $0) }),
                count > 0
            {
                bytes += buffer.prefix(count)
            }
            #expect(bytes == [1, 2, 3])
        }
    }
}
