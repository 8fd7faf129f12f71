// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing
import Transport

/// Many requests at once, and requests that are given up.
@Suite struct ConcurrencyTests {
    @Test func `200 requests share 8 connections`() async throws {
        let server = try StubHTTPServer(
            scripts: Array(
                repeating: [.repeated(1000, [.read, .answer("hello")])],
                count: 8
            )
        )
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.maxConnectionsPerOrigin = 8
        let transport = try CurlTransport(options)
        try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let request = HTTPRequest(.get, server.url + "/\(number)")
                    return try await transport.send(request, to: nil).bodyLength
                }
            }
            var total: Int64 = 0
            for try await length in group { total += length }
            #expect(total == 1000)
        }
        #expect(server.connections <= 8)
        #expect(Set(server.received.map(\.line)).count == 200)
        #expect(transport.metrics.connectionsOpened == Int64(server.connections))
    }

    @Test func `Two threads move as much at a time as one may, and more has to wait`() async throws
    {
        let server = try StubHTTPServer(
            scripts: Array(repeating: [.repeated(25, [.read, .answer("hello")])], count: 8)
        )
        let gate = try StubHTTPServer(scripts: Array(repeating: [.read, .hold], count: 9))
        defer {
            server.stop()
            gate.stop()
        }
        var options = CurlTransport.Options.forTests
        options.maxConnectionsPerOrigin = 8
        options.threads = 2
        let transport = try CurlTransport(options)
        await withTaskGroup { group in
            for _ in 0..<9 {
                group.addTask {
                    _ = try? await transport.send(HTTPRequest(.get, gate.url), to: nil)
                }
            }
            // Four of each thread's, or this never ends.
            while gate.received.count < 8 { await Task.yield() }
            for _ in 0..<20 {
                let answer = try? await transport.send(HTTPRequest(.get, server.url), to: nil)
                #expect(answer?.bodyLength == 5)
            }
            #expect(gate.connections == 8)
            group.cancelAll()
        }
    }

    @Test func `A full server keeps nobody from another`() async throws {
        let full = try StubHTTPServer([.read, .hold])
        let free = try StubHTTPServer([.repeated(2, [.read, .answer("")])])
        defer {
            full.stop()
            free.stop()
        }
        var options = CurlTransport.Options.forTests
        options.maxConnectionsPerOrigin = 1
        let transport = try CurlTransport(options)
        await withTaskGroup { group in
            for _ in 0..<3 {
                group.addTask {
                    _ = try? await transport.send(HTTPRequest(.get, full.url), to: nil)
                }
            }
            while full.received.isEmpty { await Task.yield() }
            for _ in 0..<2 {
                let answer = try? await transport.send(HTTPRequest(.get, free.url), to: nil)
                #expect(answer?.head.status == 200)
            }
            #expect(full.connections == 1)
            group.cancelAll()
        }
    }

    @Test func `Cancelling before anything was sent`() async throws {
        let server = try StubHTTPServer([.read, .answer("")])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let code = await withTaskGroup(of: TransportError.Code?.self) { group in
            group.cancelAll()
            group.addTask { await transport.code(HTTPRequest(.get, server.url)) }
            return await group.next() ?? nil
        }
        #expect(code == .cancelled)
        #expect(server.connections == 0)
    }

    @Test func `Cancelling while the server thinks`() async throws {
        let server = try StubHTTPServer([.read, .hold], [.read, .answer("")])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let code = await withTaskGroup(of: TransportError.Code?.self) { group in
            group.addTask { await transport.code(HTTPRequest(.get, server.url)) }
            while server.received.isEmpty { await Task.yield() }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(code == .cancelled)
        let next = try await transport.send(HTTPRequest(.get, server.url), to: nil)
        #expect(next.head.status == 200)
    }

    @Test func `Cancelling in the middle of a body: the sink gets nothing after the call`()
        async throws
    {
        let server = try StubHTTPServer([
            .read, .send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"),
            .repeated(1_000_000, [.sendPattern(1 << 20)]),
        ])
        defer { server.stop() }
        let transport = try CurlTransport(.forTests)
        let sink = ClosingSink()
        let code = await withTaskGroup(of: TransportError.Code?.self) { group in
            group.addTask {
                let code = await transport.code(HTTPRequest(.get, server.url), to: sink)
                sink.close()
                return code
            }
            while sink.count < 1 << 20 { await Task.yield() }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(code == .cancelled)
        // The same loop has done another round by then.
        _ = await transport.code(HTTPRequest(.get, "http://127.0.0.1:1/"))
        #expect(!sink.gotBytesAfterClose)
    }

    @Test func `Cancelling a request that waits for a place`() async throws {
        let server = try StubHTTPServer([.read, .hold])
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.maxConnections = 1
        let transport = try CurlTransport(options)
        await withTaskGroup(of: TransportError.Code?.self) { first in
            first.addTask { await transport.code(HTTPRequest(.get, server.url)) }
            while server.received.isEmpty { await Task.yield() }
            let code = await withTaskGroup(of: TransportError.Code?.self) { second in
                second.addTask { await transport.code(HTTPRequest(.get, server.url)) }
                second.cancelAll()
                return await second.next() ?? nil
            }
            #expect(code == .cancelled)
            first.cancelAll()
        }
        #expect(server.connections == 1)
        #expect(transport.metrics.requests == 1)
    }

    @Test func `Starting, cancelling and ending many at random ends them all`() async throws {
        let server = try StubHTTPServer(
            scripts: Array(repeating: [.repeated(50, [.read, .answer("hello")])], count: 400)
        )
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.maxConnections = 4
        let transport = try CurlTransport(options)
        var ended = 0
        for round in 0..<20 {
            await withTaskGroup(of: TransportError.Code?.self) { group in
                for _ in 0..<20 {
                    group.addTask { await transport.code(HTTPRequest(.get, server.url)) }
                }
                for _ in 0..<round { ended += await group.next() == nil ? 0 : 1 }
                group.cancelAll()
                for await _ in group { ended += 1 }
            }
        }
        #expect(ended == 400)
    }
}

extension CurlTransport {
    /// The code of what `send` throws; nil when it throws nothing.
    fileprivate func code(
        _ request: HTTPRequest,
        to sink: (any HTTPBodySink)? = nil
    ) async -> TransportError.Code? {
        do {
            _ = try await send(request, to: sink)
            return nil
        } catch {
            return error.code
        }
    }
}

/// Notes bytes that come after it was closed.
private final class ClosingSink: HTTPBodySink {
    private struct State {
        var count = 0
        var isClosed = false
        var gotBytesAfterClose = false
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }
    var gotBytesAfterClose: Bool { state.withLock { $0.gotBytesAfterClose } }

    func close() { state.withLock { $0.isClosed = true } }
    func begin(_ head: HTTPResponseHead) {}

    func write(_ bytes: UnsafeRawBufferPointer) {
        state.withLock {
            $0.count += bytes.count
            if $0.isClosed { $0.gotBytesAfterClose = true }
        }
    }
}
