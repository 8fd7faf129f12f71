// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Transport

@Suite struct TransferQueueTests {
    private func queue(
        _ items: [(UInt64, String)],
        limit: Int,
        perOrigin: Int
    ) throws -> TransferQueue<UInt64> {
        var queue = TransferQueue<UInt64>(limit: limit, limitPerOrigin: perOrigin)
        for (ticket, host) in items {
            queue.add(ticket, ticket: ticket, origin: try Origin(of: "http://\(host)"))
        }
        return queue
    }

    private func drain(_ queue: inout TransferQueue<UInt64>) -> [UInt64] {
        var started: [UInt64] = []
        while let next = queue.next() { started.append(next) }
        return started
    }

    @Test func `First come, first served, up to the limit`() throws {
        var queue = try queue([(1, "a"), (2, "b"), (3, "a"), (4, "a")], limit: 3, perOrigin: 9)
        #expect(drain(&queue) == [1, 2, 3])
        queue.finish(try Origin(of: "http://b"))
        #expect(drain(&queue) == [4])
        #expect(!queue.isEmpty)
    }

    @Test func `A full origin is passed over, and keeps its order`() throws {
        var queue = try queue([(1, "a"), (2, "a"), (3, "a"), (4, "b")], limit: 9, perOrigin: 1)
        #expect(drain(&queue) == [1, 4])
        queue.finish(try Origin(of: "http://b"))
        #expect(drain(&queue) == [])
        queue.finish(try Origin(of: "http://a/with/a/path"))
        #expect(drain(&queue) == [2])
    }

    @Test func `One that waits can be taken out, once`() throws {
        var queue = try queue([(1, "a"), (2, "a")], limit: 1, perOrigin: 1)
        #expect(drain(&queue) == [1])
        #expect(queue.remove(1) == nil, "it has started")
        #expect(queue.remove(2) == 2)
        #expect(queue.remove(2) == nil)
        queue.finish(try Origin(of: "http://a"))
        #expect(queue.isEmpty)
    }

    @Test(arguments: [
        ("http://h", "http://h"), ("https://h:9000/a/b?c=d", "https://h:9000"),
        ("http://[::1]:80?x", "http://[::1]:80"),
    ])
    func `An origin shows neither path nor query`(url: String, origin: String) throws {
        #expect(try Origin(of: url).description == origin)
    }
}
