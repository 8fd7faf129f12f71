// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// What goes over the wire about Jobs.
@Suite struct JobTests {
    @Test func `A Job is created from the very bytes`() async throws {
        let cluster = StubCluster(.job("a"))
        let manifest = Array(#"{ "metadata" : {"name":"a"}, "x": "é" }"#.utf8)
        _ = try await cluster.client().createJob(manifest)
        #expect(cluster.asked == ["POST /apis/batch/v1/namespaces/galaxy/jobs"])
        #expect(cluster.transport.requests.first?.body == manifest)
        #expect(cluster.transport.requests.first?.field("content-type") == "application/json")
    }

    @Test func `A patch says which kind it is`() async throws {
        let cluster = StubCluster(.job("a"))
        _ = try await cluster.client().patchJob("a", merge: Array(#"{"a":null}"#.utf8))
        #expect(cluster.asked == ["PATCH /apis/batch/v1/namespaces/galaxy/jobs/a"])
        #expect(
            cluster.transport.requests.first?.field("content-type")
                == "application/merge-patch+json"
        )
    }

    @Test func `A deletion says how and whom`() async throws {
        let cluster = StubCluster(.json("{}"))
        let client = try cluster.client()
        #expect(
            try await client.deleteJob(
                "a",
                uid: "1-2",
                propagation: .foreground,
                graceSeconds: 5
            )
        )
        #expect(cluster.asked == ["DELETE /apis/batch/v1/namespaces/galaxy/jobs/a"])
        let body = try JSONDecoder()
            .decode(
                Options.self,
                from: Data(try #require(cluster.transport.requests.first).body)
            )
        #expect(body.propagationPolicy == "Foreground")
        #expect(body.preconditions?.uid == "1-2")
        #expect(body.gracePeriodSeconds == 5)
        #expect(body.apiVersion == "v1" && body.kind == "DeleteOptions")
        #expect(try await client.deleteJob("a"))
        let plain = String(decoding: cluster.transport.requests[1].body, as: UTF8.self)
        #expect(plain.contains("Background") && !plain.contains("preconditions"))
    }

    private struct Options: Decodable {
        let apiVersion: String
        let kind: String
        let propagationPolicy: String
        let preconditions: Preconditions?
        let gracePeriodSeconds: Int?

        struct Preconditions: Decodable { let uid: String }
    }

    @Test func `What is not there was not deleted`() async throws {
        #expect(try await StubCluster(.noJob("a")).client().deleteJob("a") == false)
    }

    @Test func `What is not there after a lost answer was deleted by us`() async throws {
        let cluster = StubCluster { $0.number == 1 ? .failure(.interrupted) : .noJob("a") }
        #expect(try await cluster.client().deleteJob("a"))
    }

    @Test func `A lost connection before the request was sent leaves no doubt`() async throws {
        let cluster = StubCluster { $0.number == 1 ? .failure(.unreachable) : .noJob("a") }
        #expect(try await cluster.client().deleteJob("a") == false)
    }

    private static let conflict = ScriptedTransport.Reply.status(
        409,
        "Conflict",
        "Precondition failed: UID in precondition: u1, UID in object meta: u2"
    )

    @Test func `Another Job of that name stays`() async throws {
        let cluster = StubCluster { $0.number == 1 ? Self.conflict : .job("a", uid: "u2") }
        #expect(try await cluster.client().deleteJob("a", uid: "u1") == false)
    }

    @Test func `One that has gone between the two questions was not deleted by us`() async throws {
        let cluster = StubCluster { $0.number == 1 ? Self.conflict : .noJob("a") }
        #expect(try await cluster.client().deleteJob("a", uid: "u1") == false)
    }

    @Test func `A conflict about the very Job is one`() async throws {
        let cluster = StubCluster { $0.number == 1 ? Self.conflict : .job("a", uid: "u1") }
        let client = try cluster.client()
        #expect(await error { try await client.deleteJob("a", uid: "u1") }?.code == .conflict)
    }

    @Test(arguments: [
        "", ".", "..", "a/b", "A", "a b", "-a", "a-", "a..b", "a?x=1", "a%2Fb", "é", "a\u{0}",
        String(repeating: "a", count: 254),
    ])
    func `What is no name does not enter a URL`(name: String) async throws {
        let cluster = StubCluster(.job("a"))
        let client = try cluster.client()
        #expect(await error { try await client.job(name) }?.code == .invalid)
        #expect(await error { try await client.deleteJob(name) }?.code == .invalid)
        #expect(await error { try await client.patchJob(name, merge: []) }?.code == .invalid)
        #expect(await error { try await client.pod(name) }?.code == .invalid)
        #expect(
            await error { try await client.podLog(name, container: "c") { _ in } }?.code == .invalid
        )
        #expect(cluster.transport.requests.isEmpty)
        #expect(throws: KubernetesError.self) { try cluster.client(namespace: name) }
    }

    @Test(arguments: ["a", "0", "a-b.c-d.9", String(repeating: "a", count: 253)])
    func `What is a name does`(name: String) async throws {
        let cluster = StubCluster(.job("a"))
        _ = try await cluster.client().job(name)
        #expect(cluster.asked == ["GET /apis/batch/v1/namespaces/galaxy/jobs/\(name)"])
    }

    @Test func `A question about rights`() async throws {
        let cluster = StubCluster(
            .json(#"{"status":{"allowed":false,"reason":"no rule"}}"#, status: 201)
        )
        let review = try await cluster.client()
            .reviewAccess(verb: "get", .pods, subresource: "log")
        #expect(review == AccessReview(allowed: false, reason: "no rule"))
        #expect(
            cluster.asked == ["POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"]
        )
        let body = String(decoding: cluster.transport.requests[0].body, as: UTF8.self)
        for part in [
            #""verb":"get""#, #""resource":"pods""#, #""subresource":"log""#, #""group":"""#,
            #""namespace":"galaxy""#,
        ] { #expect(body.contains(part)) }
    }

    @Test func `A question changes nothing, so nothing is left open`() async throws {
        let client = try StubCluster(.failure(.interrupted)).client(retry: .once)
        let failure = await error { try await client.reviewAccess(verb: "get", .pods) }
        #expect(failure?.isAmbiguous == false)
    }
}
