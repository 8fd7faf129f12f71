// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

/// Who is asked for through a proxy, and what becomes of tunnels that break (F79).
@Suite struct ProxyTests {
    private static let tunnel = StubHTTPServer.Step.send("HTTP/1.1 200 Go on\r\n\r\n")

    /// Whether the request for `host` at the server's port went to the proxy.
    private func usesProxy(_ host: String, exceptions: String?) async throws -> Bool {
        let script: [StubHTTPServer.Step] = [.read, .answer("")]
        let (server, proxy) = (try StubHTTPServer(script), try StubHTTPServer(script))
        defer {
            server.stop()
            proxy.stop()
        }
        var options = CurlTransport.Options()
        options.proxy = Redacted(proxy.url)
        options.proxyExceptions = exceptions?.replacing("PORT", with: "\(server.port)")
        let request = HTTPRequest(.get, "http://\(host):\(server.port)/k")
        _ = try await CurlTransport(options).send(request, to: nil)
        #expect(server.received.count + proxy.received.count == 1)
        return !proxy.received.isEmpty
    }

    @Test(arguments: [
        // Curl itself takes *.localhost for this machine.
        ("127.0.0.1", "127.0.0.1"), ("store.localhost", "store.localhost"),
        ("store.localhost", "STORE.localhost"), ("store.localhost", "localhost"),
        ("store.localhost", ".localhost"), ("store.localhost", "*.localhost"),
        ("store.localhost", "example.org, localhost"), ("127.0.0.1", "example.org 127.0.0.1"),
        ("127.0.0.1", "127.0.0.0/8"), ("127.0.0.1", "10.0.0.0/8,127.0.0.0/16"),
        ("127.0.0.1", "127.0.0.1:PORT"), ("store.localhost", "store.localhost:PORT"),
        ("store.localhost", ".localhost:PORT"), ("127.0.0.1", "*"), ("store.localhost", "*"),
        ("store.localhost", "example.org,*"), ("127.0.0.1", "127.0.0.1:1,127.0.0.1:PORT"),
    ])
    func `Whoever is excepted is asked without the proxy`(
        host: String,
        exceptions: String
    ) async throws {
        #expect(try await !usesProxy(host, exceptions: exceptions))
    }

    @Test(arguments: [
        ("127.0.0.1", nil), ("127.0.0.1", ""), ("127.0.0.1", ","), ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "10.0.0.0/8"), ("127.0.0.1", "127.0.0.1:1"), ("127.0.0.1", "27.0.0.1"),
        ("store.localhost", "tore.localhost"), ("store.localhost", "store"),
        ("store.localhost", "a.store.localhost"), ("store.localhost", "store.localhost:1"),
        ("store.localhost", "127.0.0.1"), ("127.0.0.1", "::1,[::1]:PORT"),
    ])
    func `Nobody else is`(host: String, exceptions: String?) async throws {
        #expect(try await usesProxy(host, exceptions: exceptions))
    }

    /// The error of a request through a proxy that follows `script`.
    private func failure(
        _ script: [StubHTTPServer.Step],
        trust: CurlTransport.Options.Trust = .system
    ) async throws -> TransportError {
        let proxy = try StubHTTPServer(script)
        defer { proxy.stop() }
        var options = CurlTransport.Options()
        options.trust = trust
        options.proxy = Redacted("http://me:hunter2@127.0.0.1:\(proxy.port)")
        options.connectTimeout = .seconds(2)
        let error = await #expect(throws: TransportError.self) {
            let request = HTTPRequest(.get, "https://store.invalid/secret")
            return try await CurlTransport(options).send(request, to: nil)
        }
        #expect(proxy.connections == 1, "one call is one request on the wire")
        let thrown = try #require(error)
        #expect(!thrown.line.contains("secret") && !thrown.line.contains("hunter2"))
        return thrown
    }

    @Test(arguments: [
        // No answer, half an answer, none in time.
        [StubHTTPServer.Step.readHead], [.readHead, .reset], [.readHead, .hold],
        [.readHead, .send("HTTP/1.1 200 Conn")], [.readHead, .send("HTTP/1.1 200 Go\r\n"), .reset],
        [.readHead, .send("HTTP/1.1 200 Go\r\nVia: me\r\n"), .hold],
        // A tunnel that ends while TLS is agreed on.
        [.readHead, tunnel], [.readHead, tunnel, .readBytes(10), .reset],
        [.readHead, tunnel, .readBytes(10), .hold],
        // A proxy that does not reach the server.
        [.readHead, .answer("<html>", status: "502 Bad Gateway")],
        [.readHead, .answer("", status: "503 Busy")],
        [.readHead, .answer("", status: "504 Gateway Timeout")],
    ])
    func `A tunnel that does not come about is tried again`(
        script: [StubHTTPServer.Step]
    ) async throws {
        let error = try await failure(script)
        #expect(error.code == .unreachable, "\(error.line)")
        #expect(error.isRetryable && !error.isAmbiguous, "nothing was sent: \(error.line)")
    }

    @Test(arguments: ["403 Forbidden", "407 Who are you", "404 Not Found", "302 Elsewhere"])
    func `A tunnel that is refused is not`(status: String) async throws {
        let error = try await failure([.readHead, .answer("<html>", status: status)])
        #expect(error.code == .proxy, "\(error.line)")
        #expect(error.line.contains(String(status.prefix(3))), "\(error.line)")
        #expect(!error.isRetryable && !error.remedy.isEmpty)
    }

    @Test func `A tunnel that is cut in the middle of a body is an interruption`() async throws {
        let body = StubHTTPServer.pattern(200_000)
        let head = Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n".utf8)
        let server = try OpenSSLServer(name: "DNS:store.invalid", answer: head + body)
        defer { server.stop() }
        for end in [[], [StubHTTPServer.Step.reset]] {
            let error = try await failure(
                [.readHead, Self.tunnel, .relay(to: server.port, withholding: 50_000)] + end,
                trust: .pem(server.certificatePEM)
            )
            #expect([.truncated, .interrupted].contains(error.code), "\(error.line)")
            #expect(error.isRetryable && error.isAmbiguous)
        }
    }
}
