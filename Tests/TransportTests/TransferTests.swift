// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Glibc
import Synchronization
import TestSupport
import Testing
import Transport

/// Bodies on their way, and what can stop them.
@Suite struct TransferTests {
    private let size = 24 << 20

    /// An open file that is deleted already.
    private func withFile<Result>(
        _ body: (Int32) async throws -> Result
    ) async throws -> Result {
        var path = Array("/tmp/transport-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        try #require(descriptor >= 0)
        unlink(path)
        defer { close(descriptor) }
        return try await body(descriptor)
    }

    @Test func `A large body arrives in a file, byte for byte`() async throws {
        let server = try StubHTTPServer([
            .read, .send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n"), .sendPattern(size),
        ])
        defer { server.stop() }
        try await withFile { file in
            let sink = FileSink(descriptor: file, named: "f", offset: 100, limit: Int64(size))
            let transport = try CurlTransport(.forTests)
            let answer = try await transport.send(HTTPRequest(.get, server.url), to: sink)
            #expect(answer.bodyLength == Int64(size))
            #expect(sink.count == Int64(size))
            var period = CRC64NVME()
            var expected: [UInt8] = []
            while expected.count < size {
                expected += StubHTTPServer.pattern(min(65_521, size - expected.count))
            }
            period.update(expected)
            #expect(sink.checksum == period)
            var stored = [UInt8](repeating: 0, count: size)
            #expect(pread(file, &stored, size, 100) == size)
            #expect(stored == expected)
            #expect(transport.metrics.bytesDown == Int64(size))
        }
    }

    @Test func `A large body is sent from files and memory, byte for byte`() async throws {
        let server = try StubHTTPServer([.read, .answer("")])
        defer { server.stop() }
        let content = StubHTTPServer.pattern(5 << 20)
        try await withFile { file in
            #expect(pwrite(file, content, content.count, 10) == content.count)
            let body = HTTPBody.joined([
                .bytes([1, 2, 3]), .empty,
                .file(descriptor: file, named: "f", offset: 10, length: Int64(content.count)),
                .bytes([4]), .joined([]),
            ])
            #expect(body.length == Int64(content.count) + 4)
            var options = CurlTransport.Options.forTests
            options.continueTimeout = .milliseconds(10)
            let request = HTTPRequest(.put, server.url, body: body)
            _ = try await CurlTransport(options).send(request, to: nil)
            let received = try #require(server.received.first)
            #expect(received.field("expect") == "100-continue")
            #expect(received.body == [1, 2, 3] + content + [4])
        }
    }

    /// F68: 8 Mbit/s for longer than a server may be silent.
    @Test func `A slow line is slow, in either direction`() async throws {
        let (count, step) = (200, 20_000)
        let answer = StubHTTPServer.Step.repeated(count, [.pause(20), .sendPattern(step)])
        let server = try StubHTTPServer(
            [
                .readHead, .repeated(count, [.pause(20), .readBytes(step)]),
                .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            ],
            [.read, .send("HTTP/1.1 200 OK\r\nContent-Length: \(count * step)\r\n\r\n"), answer]
        )
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.silenceLimit = .seconds(1)
        options.continueTimeout = .milliseconds(10)
        let body = HTTPBody.bytes(StubHTTPServer.pattern(count * step))
        let up = HTTPRequest(.put, server.url, body: body)
        #expect(try await CurlTransport(options).send(up, to: nil).head.status == 200)
        let sink = DiscardSink()
        _ = try await CurlTransport(options).send(HTTPRequest(.get, server.url), to: sink)
        #expect(sink.count == Int64(count * step))
    }

    @Test func `An early refusal saves the body, and the connection is not used again`()
        async throws
    {
        let server = try StubHTTPServer(
            [.readHead, .answer("<Error/>", status: "403 Forbidden"), .hold],
            [.read, .answer("")],
        )
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.continueTimeout = .seconds(600)
        let transport = try CurlTransport(options)
        let reader = EndlessReader()
        let body = HTTPBody(length: 5 << 30) { reader }
        let answer = try await transport.send(HTTPRequest(.put, server.url, body: body), to: nil)
        #expect(answer.head.status == 403)
        #expect(answer.errorBody == Array("<Error/>".utf8))
        #expect(reader.readCount == 0)
        _ = try await transport.send(HTTPRequest(.get, server.url), to: nil)
        #expect(server.connections == 2)
    }

    @Test func `A refusal in the middle of a body stops it`() async throws {
        let server = try StubHTTPServer([
            .readHead, .readBytes(1 << 20), .answer("<Error/>", status: "403 Forbidden"), .hold,
        ])
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.continueTimeout = .milliseconds(10)
        let transport = try CurlTransport(options)
        let body = HTTPBody(length: 5 << 30) { EndlessReader() }
        let answer = try await transport.send(HTTPRequest(.put, server.url, body: body), to: nil)
        #expect(answer.head.status == 403)
        #expect(transport.metrics.bytesUp < 1 << 30)
    }

    @Test func `A server that never says 100 Continue is asked once`() async throws {
        let server = try StubHTTPServer([
            .repeated(1, [.read, .answer("")]),
            .repeated(1, [.read, .answer("", status: "503 Slow Down")]),
            .repeated(1, [.read, .answer("")]),
        ])
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.continueTimeout = .milliseconds(10)
        let transport = try CurlTransport(options)
        let body = HTTPBody.bytes(StubHTTPServer.pattern(2 << 20))
        for _ in 0..<3 {
            _ = try await transport.send(HTTPRequest(.put, server.url, body: body), to: nil)
        }
        #expect(server.received.map { $0.field("expect") } == ["100-continue", nil, nil])
        #expect(server.received.map(\.body.count) == [2 << 20, 2 << 20, 2 << 20])
    }

    @Test func `A server is asked again only after it has refused something`() async throws {
        let ready = StubHTTPServer.Step.send("HTTP/1.1 100 Continue\r\n\r\n")
        let asked: [StubHTTPServer.Step] = [.readHead, ready, .readBytes(2 << 20)]
        let server = try StubHTTPServer([
            .repeated(1, asked + [.answer("")]),
            .repeated(1, [.read, .answer("")]),
            .repeated(1, [.read, .answer("", status: "503 Slow Down")]),
            .repeated(1, asked + [.answer("")]),
        ])
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.continueTimeout = .seconds(600)
        let transport = try CurlTransport(options)
        let body = HTTPBody.bytes(StubHTTPServer.pattern(2 << 20))
        for _ in 0..<4 {
            _ = try await transport.send(HTTPRequest(.put, server.url, body: body), to: nil)
        }
        #expect(
            server.received.map { $0.field("expect") } == [
                "100-continue", nil, nil, "100-continue",
            ]
        )
    }

    @Test func `A small change that went well is answer enough`() async throws {
        let server = try StubHTTPServer([.repeated(2, [.read, .answer("")])])
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.continueTimeout = .seconds(600)
        let transport = try CurlTransport(options)
        _ = try await transport.send(HTTPRequest(.post, server.url), to: nil)
        let body = HTTPBody.bytes(StubHTTPServer.pattern(2 << 20))
        _ = try await transport.send(HTTPRequest(.put, server.url, body: body), to: nil)
        #expect(server.received.map { $0.field("expect") } == [nil, nil])
    }

    @Test func `A request can ask for a fresh connection`() async throws {
        let server = try StubHTTPServer(
            [.read, .answer(""), .hold],
            [.read, .answer("")],
        )
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        var request = HTTPRequest(.get, server.url)
        _ = try await transport.send(request, to: nil)
        request.usesFreshConnection = true
        _ = try await transport.send(request, to: nil)
        #expect(server.received.map(\.connection) == [0, 1])
    }

    @Test(arguments: ["close", "keep-alive"])
    func `A server that cannot do Expect gets the request without`(next: String) async throws {
        let refusal = "HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: \(next)\r\n\r\n"
        let server = try StubHTTPServer(
            [.readHead, .send(refusal)] + (next == "close" ? [] : [.read, .answer("")]),
            [.read, .answer("")],
        )
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.continueTimeout = .seconds(600)
        let body = HTTPBody.bytes(StubHTTPServer.pattern(2 << 20))
        let request = HTTPRequest(.put, server.url, body: body)
        let answer = try await CurlTransport(options).send(request, to: nil)
        #expect(answer.head.status == 200)
        #expect(server.received.map { $0.field("expect") } == ["100-continue", nil])
        #expect(server.received.last?.body.count == 2 << 20)
    }

    @Test func `Success before the whole request was sent is none`() async throws {
        let server = try StubHTTPServer([
            .readHead, .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        ])
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.continueTimeout = .seconds(600)
        let transport = try CurlTransport(options)
        let body = HTTPBody(length: 1 << 30) { EndlessReader() }
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.put, server.url, body: body), to: nil)
        }
        #expect(error?.isAmbiguous == true)
    }

    @Test func `What a sink throws comes out, and ends the exchange`() async throws {
        let server = try StubHTTPServer([
            .read, .send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"),
            .sendPattern(100_000_000),
        ])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, server.url), to: MemorySink(limit: 1 << 20))
        }
        #expect(error?.code == .bodySink)
        #expect((error?.cause as? BodyTooLong)?.limit == 1 << 20)
    }

    @Test func `What a sink throws at the head comes out`() async throws {
        let server = try StubHTTPServer([.read, .answer("hello")])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, server.url), to: RefusingSink())
        }
        #expect(error?.code == .bodySink)
        #expect(error?.cause is RefusingSink.Refusal)
    }

    @Test func `A sink writes nothing past its limit`() async throws {
        let server = try StubHTTPServer([.read, .answer("123456")])
        defer { server.stop() }
        try await withFile { file in
            let sink = FileSink(descriptor: file, named: "f", limit: 5)
            let error = await #expect(throws: TransportError.self) {
                try await CurlTransport(.forTests).send(HTTPRequest(.get, server.url), to: sink)
            }
            #expect(error?.code == .bodySink)
            #expect(lseek(file, 0, SEEK_END) == 0)
        }
    }

    @Test func `A file that got shorter is named`() async throws {
        let server = try StubHTTPServer([.read, .answer("")])
        defer { server.stop() }
        try await withFile { file in
            #expect(write(file, [1, 2, 3], 3) == 3)
            let body = HTTPBody.file(descriptor: file, named: "reads.fq", length: 10)
            let error = await #expect(throws: TransportError.self) {
                try await CurlTransport(.forTests)
                    .send(HTTPRequest(.put, server.url, body: body), to: nil)
            }
            #expect(error?.code == .bodySource)
            #expect(error?.line.contains("\"reads.fq\" has 3 bytes where 10 are expected") == true)
        }
        #expect(server.received.isEmpty)
    }

    @Test func `A file that is not there is named, and nothing is sent`() async throws {
        let server = try StubHTTPServer([.read, .answer("")])
        defer { server.stop() }
        // Where nobody can have made anything.
        let body = HTTPBody.file(path: Array("/proc/nonexistent/x".utf8), length: 10)
        let error = await #expect(throws: TransportError.self) {
            try await CurlTransport(.forTests)
                .send(HTTPRequest(.put, server.url, body: body), to: nil)
        }
        #expect(error?.code == .bodySource)
        #expect((error?.cause as? FileFailure)?.number == ENOENT)
        #expect(server.connections == 0)
    }

    @Test func `A reader that ends early is no success`() async throws {
        let server = try StubHTTPServer([.read, .answer("")])
        defer { server.stop() }
        let body = HTTPBody(length: 10) {
            try HTTPBody.bytes([1, 2]).makeReader()
        }
        let error = await #expect(throws: TransportError.self) {
            try await CurlTransport(.forTests)
                .send(HTTPRequest(.put, server.url, body: body), to: nil)
        }
        #expect(error?.code == .bodySource)
    }
}

/// Gives any number of bytes, and notes that it was asked.
private final class EndlessReader: HTTPBodyReader, Sendable {
    private let reads = Atomic<Int>(0)

    var readCount: Int { reads.load(ordering: .relaxed) }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        reads.wrappingAdd(1, ordering: .relaxed)
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        return buffer.count
    }
}

private final class RefusingSink: HTTPBodySink {
    struct Refusal: Error {}

    func begin(_ head: HTTPResponseHead) throws { throw Refusal() }
    func write(_ bytes: UnsafeRawBufferPointer) {}
}
