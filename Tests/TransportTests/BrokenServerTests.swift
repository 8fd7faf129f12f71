// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

/// What comes out when a server, or the way to it, misbehaves (F63, F65, F68 and F79).
@Suite struct BrokenServerTests {
    /// Sends a GET to a server that follows `script` and gives the error that comes out.
    private func failure(
        _ script: [StubHTTPServer.Step],
        options: CurlTransport.Options = .forTests
    ) async throws -> TransportError {
        let server = try StubHTTPServer(script)
        defer { server.stop() }
        let transport = try CurlTransport(options)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, server.url + "/secret?sig=1"), to: nil)
        }
        #expect(server.connections == 1, "one call is one request on the wire")
        let thrown = try #require(error)
        #expect(!thrown.line.contains("secret") && !thrown.line.contains("sig"))
        return thrown
    }

    @Test(arguments: [
        // The connection ends in the body.
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n12345",
        // In a chunk, and between chunks.
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n123",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        // More than was said.
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234567",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n1234567",
        // Lengths nobody can rely on.
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\n12345",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 3\r\n\r\n12345",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n12345",
    ])
    func `A body that is not as long as it says is truncated`(answer: String) async throws {
        let error = try await failure([.read, .send(answer)])
        #expect(error.code == .truncated, "\(error.line)")
        #expect(error.isRetryable && error.isAmbiguous)
    }

    @Test func `A body without a length ends with the connection`() async throws {
        let server = try StubHTTPServer([.read, .send("HTTP/1.0 200 OK\r\n\r\n12345")])
        defer { server.stop() }
        let sink = MemorySink(limit: 10)
        let transport = try CurlTransport(.forTests)
        let response = try await transport.send(HTTPRequest(.get, server.url), to: sink)
        #expect(response.head["content-length"] == nil)
        #expect(sink.bytes == Array("12345".utf8))
    }

    @Test func `The same length twice is one length`() async throws {
        let server = try StubHTTPServer([
            .read,
            .send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length:  5 \r\n\r\n12345"),
        ])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        #expect(try await transport.send(HTTPRequest(.get, server.url), to: nil).bodyLength == 5)
    }

    @Test(arguments: [
        [StubHTTPServer.Step.read],
        [.read, .reset],
        [.read, .send("HTTP/1.1 200"), .reset],
        [.read, .send("HTTP/1.1 200 OK\r\nContent-Le")],
        [.read, .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"), .reset],
        [.read, .send("HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n")],
        [.read, .send("this is not HTTP\r\n\r\n")],
        [.read, .send("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n")],
        [.read, .send("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n12345")],
        [.read, .send("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n12345")],
        [.read, .send("HTTP/1.1 100 Continue\r\n\r\n")],
        [
            .read,
            .repeated(
                5000,
                [
                    .send(
                        "HTTP/1.1 102 Processing\r\nx: \(String(repeating: "x", count: 80))\r\n\r\n"
                    )
                ]
            ),
        ],
        [
            .read, .send("HTTP/1.1 200 OK\r\n"),
            .repeated(5000, [.send("a: \(String(repeating: "b", count: 80))\r\n")]),
        ],
    ])
    func `Ends without an answer are interruptions`(script: [StubHTTPServer.Step]) async throws {
        let error = try await failure(script)
        #expect(error.code == .interrupted, "\(error.line)")
        #expect(error.isRetryable && error.isAmbiguous)
    }

    @Test func `A server that says nothing counts as dead`() async throws {
        var options = CurlTransport.Options.forTests
        options.silenceLimit = .seconds(1)
        let error = try await failure([.read, .hold], options: options)
        #expect(error.code == .interrupted, "\(error.line)")
    }

    @Test func `A server that stops in the middle counts as dead`() async throws {
        var options = CurlTransport.Options.forTests
        options.silenceLimit = .seconds(1)
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1"
        let error = try await failure([.read, .send(start), .hold], options: options)
        #expect(error.code == .interrupted, "\(error.line)")
    }

    @Test func `A request can be more patient than its transport`() async throws {
        let gate = StubHTTPServer.Gate()
        let server = try StubHTTPServer(
            [.read, .wait(gate), .answer("late")],
            [.read, .hold],
        )
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.silenceLimit = .seconds(1)
        let transport = try CurlTransport(options)
        let patient = HTTPRequest(.get, server.url, silenceLimit: .seconds(600))
        async let late = transport.send(patient, to: nil)
        while server.received.isEmpty { await Task.yield() }
        // By the time the impatient one is given up, so would the other be with the same limit.
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, server.url), to: nil)
        }
        #expect(error?.code == .interrupted)
        gate.open()
        #expect(try await late.bodyLength == 4)
    }

    @Test(arguments: [1, 1024])
    func `A drip is silence or not as the request says`(rate: Int) async throws {
        let drip = StubHTTPServer.Step.repeated(40, [.pause(100), .send("1")])
        let script = [.read, .send("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"), drip]
        let server = try StubHTTPServer(script)
        defer { server.stop() }
        // Longer than a busy machine forgets its server for.
        var request = HTTPRequest(.get, server.url, silenceLimit: .seconds(2))
        request.silenceRate = rate
        let transport = try CurlTransport(.forTests)
        if rate == 1 {
            #expect(try await transport.send(request, to: nil).bodyLength == 40)
        } else {
            let error = await #expect(throws: TransportError.self) {
                try await transport.send(request, to: nil)
            }
            #expect(error?.code == .interrupted)
        }
    }

    @Test func `A request with a time of its own ends whatever still moves`() async throws {
        // As fast as the connection takes it, without an end.
        let start = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        let server = try StubHTTPServer([
            .read, .send(start), .repeated(.max, [.sendPattern(65_521)]),
        ])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        var request = HTTPRequest(.get, server.url)
        request.timeLimit = .milliseconds(200)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(request, to: nil)
        }
        #expect(error?.code == .interrupted, "\(error?.line ?? "")")
    }

    @Test func `A port where nobody listens is unreachable`() async throws {
        let server = try StubHTTPServer()
        server.stop()
        let transport = try CurlTransport(.forTests)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, server.url + "/secret"), to: nil)
        }
        #expect(error?.code == .unreachable)
        #expect(error?.isAmbiguous == false)
        #expect(error?.place == server.url)
        #expect(transport.metrics.requests == 0)
    }

    @Test func `A name that does not exist is unresolved`() async throws {
        let transport = try CurlTransport(.forTests)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, "http://no-such-host.invalid/"), to: nil)
        }
        #expect(error?.code == .unresolved, "\(error?.line ?? "")")
        #expect(error?.isAmbiguous == false)
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"])
    func `A server that speaks no TLS is said not to`(greeting: String) async throws {
        let server = try StubHTTPServer([.send(greeting), .hold])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, "https://127.0.0.1:\(server.port)"), to: nil)
        }
        #expect(error?.code == .noTLS, "\(error?.line ?? "")")
        #expect(error?.line.contains("does not speak TLS") == true)
        #expect(error?.isRetryable == false)
    }

    @Test func `A server that hangs up on TLS is unreachable`() async throws {
        let server = try StubHTTPServer([.readBytes(10), .reset])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, "https://127.0.0.1:\(server.port)"), to: nil)
        }
        #expect(error?.code == .unreachable, "\(error?.line ?? "")")
    }

    @Test func `A missing file of certificates is named`() async throws {
        let server = try StubHTTPServer([.hold])
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.trust = .file("/proc/nonexistent/ca.pem")
        let transport = try CurlTransport(options)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, "https://127.0.0.1:\(server.port)"), to: nil)
        }
        #expect(error?.code == .usage)
        #expect(error?.line.contains("/proc/nonexistent/ca.pem") == true, "\(error?.line ?? "")")
    }

    @Test func `A proxy that wants a password says so, without showing ours`() async throws {
        let server = try StubHTTPServer([
            .readHead,
            .send("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"),
        ])
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.proxy = Redacted("http://me:hunter2@127.0.0.1:\(server.port)")
        let transport = try CurlTransport(options)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, "https://store.invalid/secret"), to: nil)
        }
        #expect(error?.code == .proxy)
        #expect(error?.line.contains("407") == true)
        #expect(error?.line.contains("hunter2") == false)
        #expect(server.received.first?.line == "CONNECT store.invalid:443 HTTP/1.1")
    }

    @Test func `A kept connection that died is not tried again behind our back`() async throws {
        let server = try StubHTTPServer(
            [.read, .answer("1"), .read, .reset],
            [.read, .answer("never asked for")],
        )
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let request = HTTPRequest(.put, server.url, body: .bytes([1]))
        _ = try await transport.send(request, to: nil)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(request, to: nil)
        }
        #expect(error?.code == .interrupted)
        #expect(server.received.count == 2)
        #expect(transport.metrics.requests == 2)
    }
}
