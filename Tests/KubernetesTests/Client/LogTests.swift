// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// Logs, as they are streamed.
@Suite struct LogTests {
    private func log(
        _ cluster: StubCluster,
        _ options: PodLogOptions = PodLogOptions(),
        retry: ClusterRetry = .standard
    ) async throws -> (lines: [String], failure: KubernetesError?) {
        let client = try cluster.client(retry: retry)
        let lines = Collected<String>()
        let failure = await error {
            try await client.podLog("p", container: "tool", options) {
                lines.add(String(decoding: $0, as: UTF8.self))
            }
        }
        return (lines.all, failure)
    }

    @Test func `A log comes line by line, the last one too`() async throws {
        let cluster = StubCluster(.json("a\n\nb\r\nlast"))
        let (lines, failure) = try await log(cluster)
        #expect(failure == nil)
        #expect(lines == ["a", "", "b\r", "last"])
    }

    @Test func `What is wanted of it`() async throws {
        let cluster = StubCluster(.json(""))
        var options = PodLogOptions()
        options.follow = true
        options.sinceTime = "2026-11-21T12:00:00Z"
        options.timestamps = true
        options.limitBytes = 10
        options.tailLines = 3
        _ = try await log(cluster, options)
        #expect(
            cluster.asked == [
                "GET /api/v1/namespaces/galaxy/pods/p/log?container=tool&follow=true"
                    + "&sinceTime=2026-11-21T12%3A00%3A00Z&timestamps=true&limitBytes=10&tailLines=3"
            ]
        )
    }

    @Test func `A log that was cut off is not made to look whole, nor begun again`() async throws {
        let cluster = StubCluster(.cut(status: 200, fields: [], body: Array("a\nb\nc".utf8)))
        let (lines, failure) = try await log(cluster)
        #expect(lines == ["a", "b"])
        #expect(failure?.code == .unreachable)
        #expect(failure?.isRetryable == true)
        #expect(cluster.transport.requests.count == 1)
    }

    @Test func `Before anything of it has come it is asked for again`() async throws {
        let cluster = StubCluster { $0.number < 3 ? .failure(.interrupted) : .json("a\n") }
        #expect(try await log(cluster).lines == ["a"])
    }

    @Test(arguments: [
        #"container "tool" in pod "p" is waiting to start: ContainerCreating"#,
        #"previous terminated container "tool" in pod "p" is not available"#,
    ])
    func `A container that has not begun has no log yet`(message: String) async throws {
        let (_, failure) = try await log(StubCluster(.status(400, "BadRequest", message)))
        #expect(failure?.code == .notStarted)
        #expect(failure?.isRetryable == true)
    }

    @Test func `Other mistakes stay mistakes`() async throws {
        let message = #"container x is not valid for pod p"#
        let (_, failure) = try await log(StubCluster(.status(400, "BadRequest", message)))
        #expect(failure?.code == .invalid)
    }

    @Test func `A slow log over a real connection is followed to its end`() async throws {
        let chunk = "6\r\nline1\n\r\n"
        let gate = StubHTTPServer.Gate()
        let server = try StubHTTPServer([
            .read, .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk),
            .wait(gate), .send("3\r\nend\r\n0\r\n\r\n"),
        ])
        defer { server.stop() }
        let access = ClusterAccess(
            server: server.url,
            proxy: Redacted(""),
            origin: "test"
        )
        let client = try KubernetesClient(access, namespace: "galaxy", retry: .once)
        let lines = Collected<String>()
        var options = PodLogOptions()
        options.follow = true
        try await client.podLog("p", container: "tool", options) {
            lines.add(String(decoding: $0, as: UTF8.self))
            // The rest is sent only after the first line has been handed over.
            gate.open()
        }
        #expect(lines.all == ["line1", "end"])
    }
}
