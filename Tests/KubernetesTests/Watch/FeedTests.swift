// SPDX-License-Identifier: Apache-2.0

import Testing
import Transport

@testable import Kubernetes

/// What may wait between a connection and whoever handles its lines.
@Suite struct FeedTests {
    private func write(_ text: String, to feed: WatchFeed) throws {
        try Array(text.utf8).withUnsafeBytes { try feed.write($0) }
    }

    @Test func `What has not been handled is bounded, not what has been`() throws {
        var limits = WatchLimits()
        limits.waitingBytes = 10
        let feed = WatchFeed(limits)
        for _ in 0..<5 {
            try write("12345\n", to: feed)
            try write("67890\n", to: feed)
            feed.handled(10)
        }
        try write("1234567890\n", to: feed)
        #expect(throws: WatchFeed.Fault.tooMuchWaiting) { try write("1\n", to: feed) }
        #expect(feed.fault == .tooMuchWaiting)
    }

    @Test func `Lines and the beginning come in order, blank ones not at all`() async throws {
        let feed = WatchFeed(WatchLimits())
        feed.begin(HTTPResponseHead(status: 200, fields: []))
        try write("a\n\nb", to: feed)
        try write("c\nrest", to: feed)
        feed.end()
        var items: [String] = []
        for await item in feed.items {
            switch item {
            case .began: items.append("began")
            case .line(let bytes): items.append(String(decoding: bytes, as: UTF8.self))
            }
        }
        #expect(items == ["began", "a", "bc"], "a line without its end is none")
    }

    @Test func `A line that is too long ends it, and is not passed on`() throws {
        var limits = WatchLimits()
        limits.lineBytes = 4
        let feed = WatchFeed(limits)
        try write("1234\n", to: feed)
        try write("123", to: feed)
        #expect(throws: WatchFeed.Fault.lineTooLong) { try write("45", to: feed) }
    }
}
