// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

/// How request and response heads are written and read.
@Suite struct HeadTests {
    private func response(_ answer: String) async throws -> HTTPResponse {
        let server = try StubHTTPServer([.read, .send(answer)])
        defer { server.stop() }
        return try await CurlTransport(.forTests).send(HTTPRequest(.get, server.url), to: nil)
    }

    @Test(arguments: [
        "/b/a/../../other/k", "/b/./x//y/", "/b/%2e%2E/x", "/?list-type=2&prefix=a%2F..%2F",
        "/a;b=c,d@e'(*)!~",
    ])
    func `Path and query keep their bytes`(path: String) async throws {
        let server = try StubHTTPServer([.read, .answer("")])
        defer { server.stop() }
        _ = try await CurlTransport(.forTests).send(HTTPRequest(.get, server.url + path), to: nil)
        #expect(server.received.first?.line == "GET \(path) HTTP/1.1")
    }

    @Test func `Only the fields that are promised are sent`() async throws {
        let server = try StubHTTPServer([.read, .answer("")])
        defer { server.stop() }
        let fields = [
            HTTPField("x-empty", ""), HTTPField("x-blank", " \t"),
            HTTPField("x-odd", "a  b\tc;:\"é"),
            HTTPField("content-length", "99"),
        ]
        let request = HTTPRequest(.put, server.url + "/k", fields: fields, body: .bytes([1, 2]))
        _ = try await CurlTransport(.forTests).send(request, to: nil)
        let lines = try #require(server.received.first).lines
        #expect(
            Set(lines) == [
                "PUT /k HTTP/1.1", "Host: 127.0.0.1:\(server.port)", "Accept: */*",
                "User-Agent: galaxy-s3-executor", "Content-Length: 2", "x-empty:", "x-blank:",
                "x-odd: a  b\tc;:\"é",
            ]
        )
    }

    @Test(arguments: [
        HTTPField("x", "a\r\nx-injected: 1"), HTTPField("x", "a\u{0}b"), HTTPField("x y", "1"),
        HTTPField("", "1"), HTTPField("x:", "1"), HTTPField("transfer-encoding", "chunked"),
        HTTPField("expect", "100-continue"),
    ])
    func `A field that would break the head is refused`(field: HTTPField) async throws {
        let server = try StubHTTPServer([.read, .answer("")])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, server.url, fields: [field]), to: nil)
        }
        #expect(error?.code == .usage)
        #expect(server.connections == 0)
    }

    @Test(arguments: [
        "", "/x", "127.0.0.1/x", "file:///etc/passwd", "ftp://127.0.0.1/", "http://", "http:///x",
        "http://me:pw@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/a#b",
        "http://127.0.0.1/é", "http://127.0.0.1/a\r\nHost: evil",
    ])
    func `A URL that is none is refused`(url: String) async throws {
        let transport = try CurlTransport(.forTests)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, url), to: nil)
        }
        #expect(error?.code == .usage)
        #expect(error?.isRetryable == false)
        #expect(error?.line.contains("pw") == false)
    }

    @Test func `A GET with a body is refused`() async throws {
        let transport = try CurlTransport(.forTests)
        let request = HTTPRequest(.get, "http://127.0.0.1:1/", body: .bytes([1]))
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(request, to: nil)
        }
        #expect(error?.code == .usage)
    }

    @Test func `Fields are read as bytes: names small, values trimmed, order kept`() async throws {
        let answer = try await response(
            "HTTP/1.1 299 Odd\r\nETag: \"a\"\r\nX-One:\t 1 \t\r\nx-one:2\r\nX-Empty:\r\nX-Folded: a\r\n  b\r\nContent-Length: 0\r\n\r\n"
        )
        #expect(answer.head.status == 299)
        #expect(
            answer.head.fields == [
                HTTPField("etag", "\"a\""), HTTPField("x-one", "1"), HTTPField("x-one", "2"),
                HTTPField("x-empty", ""), HTTPField("x-folded", "a b"),
                HTTPField("content-length", "0"),
            ]
        )
    }

    @Test func `Interim heads and trailers are left out`() async throws {
        let answer = try await response(
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nETag: evil\r\n\r\n"
        )
        #expect(answer.head.status == 200)
        #expect(answer.head.fields == [HTTPField("transfer-encoding", "chunked")])
        #expect(answer.bodyLength == 2)
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `No redirect is followed`(status: Int) async throws {
        let other = try StubHTTPServer([.read, .answer("stolen")])
        defer { other.stop() }
        let answer = try await response(
            "HTTP/1.1 \(status) Moved\r\nLocation: \(other.url)/\r\nContent-Length: 2\r\n\r\nno"
        )
        #expect(answer.head.status == status)
        #expect(answer.head["location"] == other.url + "/")
        #expect(answer.errorBody == Array("no".utf8))
        #expect(other.connections == 0)
    }

    @Test func `No cookie is kept`() async throws {
        let server = try StubHTTPServer([
            .repeated(
                2,
                [.read, .send("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")]
            )
        ])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        for _ in 0..<2 { _ = try await transport.send(HTTPRequest(.get, server.url), to: nil) }
        #expect(server.received.map { $0.field("cookie") } == [nil, nil])
    }

    @Test func `An encoded body stays encoded`() async throws {
        let server = try StubHTTPServer([
            .read,
            .send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
        ])
        defer { server.stop() }
        let sink = MemorySink(limit: 9)
        _ = try await CurlTransport(.forTests).send(HTTPRequest(.get, server.url), to: sink)
        #expect(sink.bytes == Array("abcd".utf8))
        #expect(server.received.first?.field("accept-encoding") == nil)
    }

    @Test func `An error's body is kept up to 64 KiB and never reaches the sink`() async throws {
        let server = try StubHTTPServer([
            .read, .send("HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n"),
            .sendPattern(100_000),
        ])
        defer { server.stop() }
        let sink = MemorySink(limit: 1 << 20)
        let answer = try await CurlTransport(.forTests)
            .send(HTTPRequest(.get, server.url), to: sink)
        #expect(answer.errorBody == StubHTTPServer.pattern(65_536))
        #expect(answer.bodyLength == 100_000)
        #expect(sink.head == nil)
    }

    @Test(arguments: ["204 No Content", "304 Not Modified"])
    func `Answers that have no body may state a length`(status: String) async throws {
        let answer = try await response("HTTP/1.1 \(status)\r\nContent-Length: 5\r\n\r\n")
        #expect(answer.bodyLength == 0)
    }

    @Test func `HEAD has the length and no body`() async throws {
        let server = try StubHTTPServer([
            .repeated(2, [.read, .send("HTTP/1.1 200 OK\r\nContent-Length: 12345678901\r\n\r\n")])
        ])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        for _ in 0..<2 {
            let answer = try await transport.send(HTTPRequest(.head, server.url), to: nil)
            #expect(answer.head["content-length"] == "12345678901")
            #expect(answer.bodyLength == 0)
        }
        #expect(server.connections == 1)
    }
}
