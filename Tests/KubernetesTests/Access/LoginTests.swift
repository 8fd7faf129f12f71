// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing

@testable import Kubernetes

/// Tokens that are renewed, and the programs that give them.
@Suite struct LoginTests {
    private func shown(_ cluster: StubCluster) -> [String?] {
        cluster.transport.requests.map { $0.field("authorization") }
    }

    /// F21.
    @Test func `A token file is read again after some seconds`() async throws {
        let file = try TokenFile("one\n")
        defer { file.remove() }
        let cluster = StubCluster(.job("a"))
        let client = try cluster.client(login: .tokenFile(file.path))
        _ = try await client.job("a")
        file.write("two")
        _ = try await client.job("a")
        cluster.clock.advance(by: LoginKeeper.fileSeconds)
        _ = try await client.job("a")
        #expect(shown(cluster) == ["Bearer one", "Bearer one", "Bearer two"])
    }

    @Test func `A token file is read at once after a 401, and the call made again once`()
        async throws
    {
        let file = try TokenFile("one")
        defer { file.remove() }
        let cluster = StubCluster { seen in
            if seen.field("authorization") == "Bearer two" { return .job("a") }
            file.write("two")
            return .status(401, "Unauthorized", "Unauthorized")
        }
        let client = try cluster.client(login: .tokenFile(file.path))
        #expect(try await client.job("a") != nil)
        #expect(shown(cluster) == ["Bearer one", "Bearer two"])
        #expect(cluster.clock.pauses.isEmpty)
        let wrong = StubCluster(.status(401, "Unauthorized", "Unauthorized"))
        let refused = try wrong.client(login: .tokenFile(file.path))
        #expect(await error { try await refused.job("a") }?.code == .unauthenticated)
        #expect((2...30).contains(wrong.transport.requests.count))
        #expect(wrong.clock.elapsed <= AnswerRules.disbelief)
    }

    @Test func `A token file that is away for a moment is waited for`() async throws {
        let file = try TokenFile("one")
        file.remove()
        let cluster = StubCluster(.job("a"))
        let client = try cluster.client(
            retry: ClusterRetry(attempts: 3, time: .seconds(60)),
            login: .tokenFile(file.path)
        )
        let failure = await error { try await client.job("a") }
        #expect(failure?.code == .noCredentials)
        #expect(failure?.place == file.path)
        #expect(failure?.isRetryable == true)
        #expect(cluster.clock.pauses.count == 2)
        #expect(cluster.transport.requests.isEmpty, "nothing is asked without credentials")
    }

    @Test(arguments: ["", " \n", "a b", "a\nb", "a\u{7f}", "é"])
    func `What is no token is not sent`(content: String) async throws {
        let file = try TokenFile(content)
        defer { file.remove() }
        let client = try StubCluster(.job("a"))
            .client(retry: .once, login: .tokenFile(file.path))
        #expect(await error { try await client.job("a") }?.code == .noCredentials)
    }
}
