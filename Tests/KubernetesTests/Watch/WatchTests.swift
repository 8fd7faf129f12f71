// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// Watches against scripted servers: rows F20 to F31 of what can go wrong.
@Suite struct WatchTests {
    private typealias Reply = ScriptedTransport.Reply

    /// A script for lists and one for streams; each is told how many of its kind there were.
    private func cluster(
        lists: [Reply] = [.json(Objects.list([Objects.job("a", version: 5)], version: 5))],
        streams: [Reply]
    ) -> StubCluster {
        let counter = Counts()
        return StubCluster { seen in
            let isStream = seen.request.url.contains("watch=true")
            let number = counter.next(isStream)
            let replies = isStream ? streams : lists
            return replies[min(number, replies.count) - 1]
        }
    }

    private func watch(_ cluster: StubCluster) throws -> ResourceWatch<Job> {
        ResourceWatch(try cluster.client(), selector: LabelSelector(["app": "x"]))
    }

    private static func stream(_ lines: String...) -> ScriptedTransport.Reply {
        .json(lines.joined())
    }

    private static func changed(_ name: String, _ version: Int) -> String {
        Objects.event("MODIFIED", Objects.job(name, version: version))
    }

    @Test func `A list, then what happens, then on from there`() async throws {
        let cluster = cluster(streams: [
            Self.stream(
                Objects.event("ADDED", Objects.job("b", version: 6)),
                Self.changed("b", 7),
                Objects.event("DELETED", Objects.job("b", version: 8)),
                Objects.bookmark(20)
            ),
            Self.stream(Self.changed("a", 21)),
        ])
        let told = await WatchLog.first(5, of: try watch(cluster))
        #expect(
            told == ["listed a@5", "changed b@6", "changed b@7", "deleted b@8", "changed a@21"]
        )
        let path = "GET /apis/batch/v1/namespaces/galaxy/jobs?labelSelector=app%3Dx"
        let stream = path + "&watch=true&allowWatchBookmarks=true&resourceVersion="
        #expect(
            cluster.asked.prefix(3) == [
                path + "&limit=500", stream + "5&timeoutSeconds=25",
                stream + "20&timeoutSeconds=25",
            ]
        )
        let request = try #require(cluster.transport.requests.dropFirst().first?.request)
        #expect(request.silenceLimit == .seconds(30))
        #expect(request.silenceRate == 1, "a trickle of events is no silence")
    }

    /// F21.
    @Test(arguments: [
        ScriptedTransport.Reply.status(410, "Expired", "too old resource version: 5 (900)"),
        .json(
            Objects.event(
                "ERROR",
                #"{"kind":"Status","status":"Failure","reason":"Expired","code":410,"message":"too old"}"#
            )
        ),
    ])
    func `What is too old is listed again`(gone: ScriptedTransport.Reply) async throws {
        let cluster = cluster(
            lists: [
                .json(Objects.list([Objects.job("a", version: 5)], version: 5)),
                .json(Objects.list([Objects.job("b", version: 900)], version: 900)),
            ],
            streams: [gone, Self.stream(Self.changed("b", 901))]
        )
        let told = await WatchLog.first(3, of: try watch(cluster))
        #expect(told == ["listed a@5", "listed b@900", "changed b@901"])
    }

    /// F21, F30: cut in the middle of an event, which comes again.
    @Test func `A stream that is cut is resumed from the last whole event`() async throws {
        let whole = Self.changed("a", 6)
        let cut = Array((whole + Self.changed("a", 7)).utf8.dropLast(20))
        let cluster = cluster(streams: [
            .cut(status: 200, fields: [], body: cut), Self.stream(Self.changed("a", 7)),
        ])
        let told = await WatchLog.first(3, of: try watch(cluster))
        #expect(told == ["listed a@5", "changed a@6", "changed a@7"])
        #expect(cluster.asked.filter { $0.contains("resourceVersion=6&") }.count == 1)
        #expect(cluster.asked.filter { $0.contains("limit=") }.count == 1)
    }

    /// F20: the API server is away, and comes back.
    @Test func `An outage is told, and its end`() async throws {
        let cluster = cluster(streams: [
            .failure(.unreachable), .failure(.unreachable), Self.stream(Self.changed("a", 6)),
        ])
        let told = await WatchLog.first(5, of: try watch(cluster))
        #expect(
            told == [
                "listed a@5", "trouble unreachable", "trouble unreachable", "recovered",
                "changed a@6",
            ]
        )
    }

    @Test func `An outage at the start is none of the Jobs'`() async throws {
        let cluster = cluster(
            lists: [
                .failure(.unreachable), .status(503, "ServiceUnavailable"),
                .json(Objects.list([Objects.job("a", version: 5)], version: 5)),
            ],
            streams: [Self.stream(Self.changed("a", 6))]
        )
        let told = await WatchLog.first(4, of: try watch(cluster))
        #expect(
            told == ["trouble unreachable", "trouble unavailable", "listed a@5", "changed a@6"]
        )
    }

    /// F22.
    @Test func `A server that asks for patience gets it`() async throws {
        let cluster = cluster(streams: [
            .status(429, "TooManyRequests", fields: [HTTPField("retry-after", "13")]),
            Self.stream(Self.changed("a", 6)),
        ])
        let told = await WatchLog.first(4, of: try watch(cluster))
        #expect(told == ["listed a@5", "trouble busy", "recovered", "changed a@6"])
        #expect(cluster.clock.pauses.first == .seconds(13))
    }

    /// F21: the token was rotated while the stream was open.
    @Test func `After a 401 the token is read again, and nothing is told`() async throws {
        let file = try TokenFile("old")
        defer { file.remove() }
        let cluster = StubCluster { seen in
            guard seen.request.url.contains("watch=true") else {
                return .json(Objects.list([Objects.job("a", version: 5)], version: 5))
            }
            if seen.field("authorization") == "Bearer new" {
                return Self.stream(Self.changed("a", 6))
            }
            file.write("new\n")
            return .status(401, "Unauthorized", "Unauthorized")
        }
        let client = try cluster.client(login: .tokenFile(file.path))
        let told = await WatchLog.first(
            2,
            of: ResourceWatch<Job>(client, selector: .everything)
        )
        #expect(told == ["listed a@5", "changed a@6"])
        #expect(cluster.notices.all.contains(.credentialsReloaded))
    }

    @Test func `A token that stays wrong is trouble, not the end`() async throws {
        let cluster = cluster(streams: [
            .status(401, "Unauthorized"), .status(401, "Unauthorized"),
            Self.stream(Self.changed("a", 6)),
        ])
        let told = await WatchLog.first(4, of: try watch(cluster))
        #expect(told == ["listed a@5", "trouble unauthenticated", "listed a@5", "changed a@6"])
    }

    /// F26: every stream is silent, and the Job ends; a list finds it.
    @Test func `Silent streams do not hide an end`() async throws {
        let clock = VirtualClock()
        let counter = Counts()
        let transport = ScriptedTransport { seen in
            if seen.request.url.contains("watch=true") {
                clock.advance(by: 30)
                return .cut(status: 200, fields: [], body: [])
            }
            return counter.next(false) == 1
                ? .json(Objects.list([Objects.job("a", version: 5)], version: 5))
                : .json(Objects.list([], version: 9))
        }
        let transports = ClusterLink.Transports(calls: transport, streams: transport)
        let client = try KubernetesClient(
            ClusterAccess(server: "https://k", origin: "test"),
            namespace: "galaxy",
            clock: clock.clusterClock,
            make: { _ in transports }
        )
        let watch = ResourceWatch<Job>(client, selector: .everything)
        #expect(await WatchLog.first(2, of: watch) == ["listed a@5", "listed "])
        #expect(clock.elapsed < .seconds(60))
    }

    /// F27: what came twice or late is passed on as it came: only the reader knows what it has done.
    @Test func `Duplicates and stale events keep their order`() async throws {
        let cluster = cluster(streams: [
            Self.stream(
                Self.changed("a", 8),
                Self.changed("a", 8),
                Self.changed("a", 7),
                Objects.event("DELETED", Objects.job("a", version: 9))
            )
        ])
        let told = await WatchLog.first(5, of: try watch(cluster))
        #expect(
            told == ["listed a@5", "changed a@8", "changed a@8", "changed a@7", "deleted a@9"]
        )
    }

    /// F28, F30.
    @Test(arguments: [
        "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":\n", "not JSON\n", "{}\n",
        Objects.event("MODIFIED", "{}"), Objects.event("SURPRISE", Objects.job("a")),
        Objects.event("ERROR", #"{"kind":"Status","code":500,"message":"etcd"}"#),
        Objects.event("ERROR", "{}"), Objects.event("BOOKMARK", "[]"),
    ])
    func `A line that makes no sense is told, and everything is listed`(line: String) async throws {
        let cluster = cluster(
            lists: [
                .json(Objects.list([Objects.job("a", version: 5)], version: 5)),
                .json(Objects.list([Objects.job("a", version: 7)], version: 8)),
            ],
            streams: [Self.stream(Self.changed("a", 6), line, Self.changed("z", 99))]
        )
        let told = await WatchLog.first(4, of: try watch(cluster))
        #expect(told == ["listed a@5", "changed a@6", "trouble bad-answer", "listed a@7"])
    }

    @Test func `A line without an end takes no more memory than its limit`() async throws {
        var limits = WatchLimits()
        limits.lineBytes = 1000
        let cluster = cluster(streams: [
            Self.stream(Self.changed("a", 6)), Self.stream(String(repeating: "x", count: 5000)),
            Self.stream(Self.changed("a", 9)),
        ])
        let watch = ResourceWatch<Job>(
            try cluster.client(),
            selector: .everything,
            limits: limits
        )
        let told = await WatchLog.first(5, of: watch)
        #expect(
            told == [
                "listed a@5", "changed a@6", "trouble bad-answer", "listed a@5", "changed a@9",
            ]
        )
    }

    @Test func `A slow reader gets everything in the end`() async throws {
        var limits = WatchLimits()
        limits.waitingBytes = 300
        let events = (6...40).map { Self.changed("a", $0) }
        let cluster = StubCluster { seen in
            guard seen.request.url.contains("watch=true") else {
                return .json(Objects.list([Objects.job("a", version: 5)], version: 5))
            }
            let version = events.indices.last {
                seen.request.url.contains("resourceVersion=\($0 + 6)&")
            }
            let rest = events[(version.map { $0 + 1 } ?? 0)...]
            // Two at a time are more than may wait when the first is still being handled.
            return .json(rest.prefix(2).joined())
        }
        let watch = ResourceWatch<Job>(
            try cluster.client(),
            selector: .everything,
            limits: limits
        )
        let told = await WatchLog.first(36, of: watch)
        #expect(told == ["listed a@5"] + (6...40).map { "changed a@\($0)" })
    }

    @Test func `Who may not watch is kept up to date by lists`() async throws {
        let cluster = cluster(streams: [.status(403, "Forbidden")])
        let told = await WatchLog.first(5, of: try watch(cluster))
        #expect(
            told == [
                "listed a@5", "trouble forbidden", "listed a@5", "trouble forbidden", "listed a@5",
            ]
        )
    }

    /// F31: 10,000 Jobs are 20 pages and one stream.
    @Test func `Ten thousand Jobs are a list and a watch`() async throws {
        let names = (0..<10_000).map { "job-\($0)" }
        let counter = Counts()
        let cluster = StubCluster { seen in
            if seen.request.url.contains("watch=true") {
                return Self.stream(Self.changed("job-7", 6))
            }
            let page = counter.next(false) - 1
            let items = names[(page * 500)..<(page * 500 + 500)].map { Objects.job($0) }
            return .json(Objects.list(items, version: 5, next: page < 19 ? "t\(page)" : ""))
        }
        let seen = Counts()
        let told = await WatchLog.first(2, of: try watch(cluster)) { event in
            if case .listed(let jobs) = event { for _ in jobs { _ = seen.next(true) } }
        }
        #expect(told.last == "changed job-7@6")
        #expect(seen.next(true) == 10_001)
        #expect(cluster.asked.prefix(21).filter { $0.contains("limit=500") }.count == 20)
    }

    @Test func `Cancelling ends it while a stream is open`() async throws {
        let server = try StubHTTPServer(
            [.read, .send(Self.http(Objects.list([Objects.job("a", version: 5)], version: 5)))],
            [
                .read, .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                .send(Self.chunk(Self.changed("a", 6))), .hold,
            ]
        )
        defer { server.stop() }
        let watch = ResourceWatch<Job>(try Self.client(server), selector: .everything)
        #expect(await WatchLog.first(2, of: watch) == ["listed a@5", "changed a@6"])
    }

    /// F26, over a real connection.
    @Test func `A stream that falls silent is left`() async throws {
        var limits = WatchLimits()
        limits.stream = .seconds(1)
        limits.silence = .seconds(1)
        let list = Self.http(Objects.list([Objects.job("a", version: 5)], version: 5))
        let server = try StubHTTPServer(
            [.read, .send(list)],
            [
                .read, .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), .hold,
            ],
            [.read, .send(Self.http(Objects.list([], version: 7)))]
        )
        defer { server.stop() }
        let watch = ResourceWatch<Job>(
            try Self.client(server),
            selector: .everything,
            limits: limits
        )
        #expect(await WatchLog.first(2, of: watch) == ["listed a@5", "listed "])
    }

    private static func client(_ server: StubHTTPServer) throws -> KubernetesClient {
        try KubernetesClient(
            ClusterAccess(server: server.url, proxy: Redacted(""), origin: "test"),
            namespace: "galaxy"
        )
    }

    private static func http(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func chunk(_ text: String) -> String {
        String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n"
    }
}
