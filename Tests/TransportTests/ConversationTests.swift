// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import TestSupport
import Testing
import Transport

/// What goes over the wire when all is well.
@Suite struct ConversationTests {
    @Test func `A kept connection carries request after request`() async throws {
        let server = try StubHTTPServer([.repeated(3, [.read, .answer("hello")])])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        for _ in 0..<3 {
            let sink = MemorySink(limit: 100)
            let response = try await transport.send(HTTPRequest(.get, server.url), to: sink)
            #expect(response.head.status == 200)
            #expect(response.bodyLength == 5)
            #expect(sink.bytes == Array("hello".utf8))
        }
        #expect(server.connections == 1)
        #expect(transport.metrics.requests == 3)
        #expect(transport.metrics.connectionsOpened == 1)
        #expect(transport.metrics.bytesDown == 15)
    }

    @Test(arguments: [HTTPRequest.Method.get, .head, .put, .post, .patch, .delete])
    func `Each method is sent as it is called`(method: HTTPRequest.Method) async throws {
        let server = try StubHTTPServer([
            .read, .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let request = HTTPRequest(method, server.url + "/a", fields: [HTTPField("x-a", "1")])
        #expect(try await transport.send(request, to: nil).head.status == 200)
        let received = try #require(server.received.first)
        #expect(received.line == method.rawValue + " /a HTTP/1.1")
        #expect(received.field("x-a") == "1")
        let hasLength = method == .put || method == .post || method == .patch
        #expect(received.field("content-length") == (hasLength ? "0" : nil))
        #expect(received.field("content-type") == nil)
        #expect(received.field("expect") == nil)
        #expect(received.field("transfer-encoding") == nil)
    }

    @Test func `A name that does not resolve spoils nothing that comes after`() async throws {
        let server = try StubHTTPServer([.read, .answer("hello")])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        for _ in 0..<2 {
            let error = await #expect(throws: TransportError.self) {
                try await transport.send(HTTPRequest(.get, "http://nowhere.invalid/"), to: nil)
            }
            #expect(error?.code == .unresolved)
        }
        #expect(try await transport.send(HTTPRequest(.get, server.url), to: nil).bodyLength == 5)
    }

    @Test(arguments: [HTTPRequest.Method.put, .post, .patch, .delete])
    func `A body arrives whole`(method: HTTPRequest.Method) async throws {
        let server = try StubHTTPServer([.read, .answer("")])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let body = StubHTTPServer.pattern(300_000)
        let request = HTTPRequest(method, server.url + "/a", body: .bytes(body))
        _ = try await transport.send(request, to: nil)
        let received = try #require(server.received.first)
        #expect(received.line == method.rawValue + " /a HTTP/1.1")
        #expect(received.body == body)
        #expect(received.field("content-type") == nil)
        #expect(transport.metrics.bytesUp == 300_000)
    }
}

extension StubHTTPServer.Step {
    /// Sends a whole answer with its length.
    static func answer(_ body: String, status: String = "200 OK") -> StubHTTPServer.Step {
        .send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}

extension CurlTransport.Options {
    /// No proxy from the environment.
    static var forTests: CurlTransport.Options {
        var options = CurlTransport.Options()
        options.proxy = .init("")
        return options
    }
}
