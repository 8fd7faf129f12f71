// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// Lists, page by page (F28, F30, F31).
@Suite struct ListTests {
    @Test func `Pages are asked for one after the other`() async throws {
        let cluster = StubCluster { seen in
            switch seen.number {
            case 1: .json(Objects.list([Objects.job("a")], version: 7, next: "t/1="))
            case 2: .json(Objects.list([Objects.job("b")], version: 7, next: "t2"))
            default: .json(Objects.list([Objects.job("c")], version: 7))
            }
        }
        let selector = LabelSelector(["app": "x", "a.b/run": "1"])
        let list = try await cluster.client().jobs(selector)
        #expect(list.items.map(\.metadata.name) == ["a", "b", "c"])
        #expect(list.resourceVersion == "7")
        let first =
            "GET /apis/batch/v1/namespaces/galaxy/jobs?labelSelector=a.b%2Frun%3D1%2Capp%3Dx&limit=500"
        #expect(cluster.asked == [first, first + "&continue=t%2F1%3D", first + "&continue=t2"])
    }

    @Test func `A list whose pages took too long is begun again`() async throws {
        let cluster = StubCluster { seen in
            switch seen.number {
            case 1: .json(Objects.list([Objects.job("a")], next: "t"))
            case 2: .status(410, "Expired", "The provided continue parameter is too old")
            default: .json(Objects.list([Objects.job("b")]))
            }
        }
        let list = try await cluster.client().jobs(.everything)
        #expect(list.items.map(\.metadata.name) == ["b"], "nothing of the list that was given up")
    }

    @Test func `It is not begun again for ever`() async throws {
        let cluster = StubCluster { seen in
            seen.number % 2 == 1
                ? .json(Objects.list([Objects.job("a")], next: "t")) : .status(410, "Expired")
        }
        let client = try cluster.client()
        #expect(await error { try await client.jobs(.everything) }?.code == .expired)
        #expect(cluster.transport.requests.count == 8)
    }

    @Test func `A page that is cut off or garbled is asked for again`() async throws {
        let whole = Objects.list([Objects.job("a")])
        let cluster = StubCluster { seen in
            switch seen.number {
            case 1: .cut(status: 200, fields: [], body: Array(whole.utf8.dropLast(5)))
            case 2: .json(String(whole.dropLast(5)))
            default: .json(whole)
            }
        }
        #expect(try await cluster.client().jobs(.everything).items.count == 1)
    }

    /// 500 objects of 100 KiB each, and what no page of ours can be.
    @Test func `A page of 50 MiB is read, and one above 64 MiB said to be too long`() async throws {
        let note = String(repeating: "x", count: 100 << 10)
        func page(_ count: Int) -> String {
            let object = #"{"metadata":{"name":"a","uid":"u","annotations":{"n":"\#(note)"}}}"#
            return Objects.list(Array(repeating: object, count: count))
        }
        let cluster = try StubCluster(.json(page(500))).client()
        #expect(try await cluster.jobs(.everything).items.count == 500)
        let stub = StubCluster(.json(page(700)))
        let client = try stub.client()
        let failure = await error { try await client.jobs(.everything) }
        #expect(failure?.code == .badAnswer)
        #expect(failure?.line.contains("longer than we read") == true, "\(failure?.line ?? "")")
        #expect(stub.transport.requests.count == 1, "it will be as long the next time")
    }

    @Test(arguments: ["{}", #"{"metadata":{}}"#, #"{"items":[]}"#, "[]", "null", "", "true"])
    func `What is no list is not an empty one`(body: String) async throws {
        let client = try StubCluster(.json(body)).client(retry: .once)
        #expect(await error { try await client.jobs(.everything) }?.code == .badAnswer)
    }

    @Test(arguments: [#"{"metadata":{},"items":[]}"#, #"{"metadata":{},"items":null}"#])
    func `An empty list is one`(body: String) async throws {
        #expect(try await StubCluster(.json(body)).client().pods(.everything).items.isEmpty)
    }

    @Test func `One object that makes no sense spoils the list, by name of its place`() async throws
    {
        let odd = #"{"metadata":{"name":7}}"#
        let client = try StubCluster(.json(Objects.list([Objects.job("a"), odd])))
            .client(retry: .once)
        let failure = await error { try await client.jobs(.everything) }
        #expect(failure?.code == .badAnswer)
        #expect(failure?.what.contains("items.1.metadata.name") == true, "\(failure?.line ?? "")")
    }

    @Test func `A selector cannot leave its parameter`() async throws {
        let cluster = StubCluster(.json(Objects.list([])))
        _ = try await cluster.client().jobs(LabelSelector(text: "a in (b,c),d!=e&limit=1#é"))
        #expect(
            cluster.asked == [
                "GET /apis/batch/v1/namespaces/galaxy/jobs?labelSelector="
                    + "a%20in%20%28b%2Cc%29%2Cd%21%3De%26limit%3D1%23%C3%A9&limit=500"
            ]
        )
    }

    @Test func `What is said about one object, oldest first`() async throws {
        func event(_ name: String, _ time: String) -> String {
            #"{"metadata":{"name":"\#(name)"},"reason":"R",\#(time)}"#
        }
        let cluster = StubCluster(
            .json(
                Objects.list([
                    event("b", #""lastTimestamp":"2026-11-21T12:01:47Z""#),
                    event(
                        "c",
                        #""lastTimestamp":null,"eventTime":"2026-11-21T12:01:48.997606Z""#
                    ),
                    event("a", #""lastTimestamp":"2026-11-21T12:01:46Z""#),
                ])
            )
        )
        let events = try await cluster.client().events(ofUID: "12-ab")
        #expect(events.map(\.metadata.name) == ["a", "b", "c"])
        #expect(
            cluster.asked == [
                "GET /api/v1/namespaces/galaxy/events?fieldSelector=involvedObject.uid%3D12-ab&limit=500"
            ]
        )
        let client = try cluster.client()
        #expect(await error { try await client.events(ofUID: "a,b=c") }?.code == .invalid)
    }
}
