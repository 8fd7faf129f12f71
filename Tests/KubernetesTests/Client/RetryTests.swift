// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// When calls are made again.
@Suite struct RetryTests {
    private static let manifest = Array(#"{"metadata":{"name":"a"}}"#.utf8)

    /// F20, F24.
    @Test(arguments: [
        ScriptedTransport.Reply.failure(.unreachable), .failure(.unresolved),
        .failure(.interrupted), .failure(.truncated), .cut(status: 200, fields: [], body: [1]),
        .status(500, "InternalError", "etcdserver: leader changed"), .json("", status: 502),
        .status(503, "ServiceUnavailable"), .status(504, "Timeout"),
        .json("<html>", status: 200), .status(429, "TooManyRequests"),
    ])
    func `Trouble that passes is outlived`(trouble: ScriptedTransport.Reply) async throws {
        let cluster = StubCluster { $0.number < 5 ? trouble : .job("a") }
        #expect(try await cluster.client().job("a")?.metadata.name == "a")
        #expect(cluster.clock.pauses.count == 4)
        #expect(
            cluster.notices.all.contains {
                if case .retrying(#"get jobs "a" in namespace "galaxy""#, 4, _, _) = $0 {
                    true
                } else {
                    false
                }
            }
        )
    }

    @Test func `Pauses grow, with full jitter, to a limit`() {
        var generator = SeededGenerator(seed: 7)
        let backoff = ClusterBackoff.calls
        for retry in 1...40 {
            let ceiling = min(.seconds(15), .milliseconds(200) * (1 << min(retry - 1, 20)))
            #expect(backoff.ceiling(retry: retry) == ceiling)
            let pauses = (0..<50)
                .map { _ in
                    backoff.pause(retry: retry, floor: nil, using: &generator)
                }
            #expect(pauses.allSatisfy { $0 <= ceiling })
            #expect(Set(pauses).count > 10)
        }
    }

    @Test func `An outage longer than the bounds ends in an error that says so`() async throws {
        let cluster = StubCluster(.failure(.unreachable))
        let client = try cluster.client(retry: ClusterRetry(attempts: 5, time: .seconds(600)))
        let failure = await error { try await client.job("a") }
        #expect(failure?.code == .unreachable)
        #expect(failure?.isRetryable == true)
        #expect(failure?.place.contains("5 attempts in ") == true)
        #expect(failure?.cause is TransportError)
        #expect(cluster.transport.requests.count == 5)
        let short = StubCluster(.status(429, "TooManyRequests"))
        let hurried = try short.client(retry: ClusterRetry(attempts: 100, time: .seconds(20)))
        let bounded = await error { try await hurried.job("a") }
        #expect(bounded?.code == .busy)
        #expect(short.clock.elapsed <= .seconds(20))
    }

    /// F22.
    @Test func `The server's own wish is the least that is waited`() async throws {
        for reply in [
            ScriptedTransport.Reply.status(
                429,
                "TooManyRequests",
                fields: [HTTPField("retry-after", "7")]
            ),
            .status(429, "TooManyRequests", details: #"{"retryAfterSeconds":7}"#),
            .status(503, "ServiceUnavailable", fields: [HTTPField("retry-after", "7")]),
        ] {
            let cluster = StubCluster { $0.number == 1 ? reply : .job("a") }
            _ = try await cluster.client().job("a")
            #expect(cluster.clock.pauses == [.seconds(7)])
        }
        let greedy = StubCluster {
            $0.number == 1
                ? .status(429, "TooManyRequests", fields: [HTTPField("retry-after", "99999999999")])
                : .job("a")
        }
        _ = try await greedy.client().job("a")
        #expect(greedy.clock.pauses == [.seconds(60)])
    }

    /// R3: the answer was lost, the Job was made. The caller has to look whose it is.
    @Test func `A creation whose answer was lost ends in "exists", and says why`() async throws {
        let cluster = StubCluster {
            $0.number == 1 ? .failure(.interrupted) : .exists("a")
        }
        let client = try cluster.client()
        let failure = await error { try await client.createJob(Self.manifest) }
        #expect(failure?.code == .alreadyExists)
        #expect(failure?.isAmbiguous == true)
        #expect(cluster.transport.requests.map(\.body) == [Self.manifest, Self.manifest])
    }

    @Test func `Whatever follows a lost answer stays open`() async throws {
        let cluster = StubCluster {
            $0.number == 1 ? .failure(.interrupted) : .status(403, "Forbidden", "exceeded quota: q")
        }
        let client = try cluster.client()
        let failure = await error { try await client.createJob(Self.manifest) }
        #expect(failure?.code == .quota)
        #expect(failure?.isAmbiguous == true)
    }

    /// Two creations at once change a quota's count: one of them is told of a conflict.
    @Test func `A conflict of the server's own bookkeeping passes`() async throws {
        let cluster = StubCluster {
            $0.number == 1
                ? .status(
                    409,
                    "Conflict",
                    #"Operation cannot be fulfilled on resourcequotas "q": the object has been modified"#
                )
                : .job("a")
        }
        #expect(try await cluster.client().createJob(Self.manifest).metadata.name == "a")
    }

    @Test(arguments: [
        ScriptedTransport.Reply.status(400, "BadRequest"), .status(403, "Forbidden"),
        .status(404, "NotFound"), .exists("a"), .status(410, "Expired"), .status(422, "Invalid"),
        .failure(.untrusted), .failure(.usage), .failure(.noTLS),
    ])
    func `What does not pass is asked once`(reply: ScriptedTransport.Reply) async throws {
        let cluster = StubCluster(reply)
        let client = try cluster.client()
        #expect(await error { try await client.createJob(Self.manifest) } != nil)
        #expect(cluster.transport.requests.count == 1)
    }

    /// F20: a server that has just started does not know the roles yet.
    @Test(arguments: [
        ScriptedTransport.Reply.status(
            403,
            "Forbidden",
            #"jobs.batch is forbidden: User "u" cannot create resource "jobs" in API group "batch""#
        ),
        .status(401, "Unauthorized", "Unauthorized"),
    ])
    func `A refusal is not believed at once, nor doubted for long`(
        refusal: ScriptedTransport.Reply
    ) async throws {
        let passing = StubCluster { $0.number < 4 ? refusal : .job("a") }
        #expect(try await passing.client().createJob(Self.manifest).metadata.name == "a")
        let lasting = StubCluster(refusal)
        let client = try lasting.client()
        let failure = await error { try await client.createJob(Self.manifest) }
        #expect(failure?.code == .forbidden || failure?.code == .unauthenticated)
        #expect(failure?.isRetryable == false)
        #expect(lasting.clock.elapsed <= AnswerRules.disbelief)
    }

    @Test func `Cancelling ends the waiting, and leaves a creation open`() async throws {
        let gate = AsyncStream<Void>.makeStream()
        let cluster = StubCluster { seen in
            if seen.number == 2 {
                for await _ in gate.stream {}
                return .failure(.cancelled)
            }
            return .failure(.interrupted)
        }
        let client = try cluster.client()
        let failure = await withTaskGroup(of: KubernetesError?.self) { group in
            group.addTask { await error { try await client.createJob(Self.manifest) } }
            while cluster.transport.requests.count < 2 { await Task.yield() }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(failure?.code == .cancelled)
        #expect(failure?.isAmbiguous == true)
        #expect(cluster.transport.requests.count == 2)
    }

    @Test func `What the server remarks is passed on`() async throws {
        let cluster = StubCluster(
            .answer(
                status: 200,
                fields: [HTTPField("warning", #"299 - "unknown field \"spec.x\"""#)],
                body: Array(Objects.job("a").utf8)
            )
        )
        _ = try await cluster.client().createJob(Self.manifest)
        #expect(cluster.notices.all.count == 1)
    }
}
