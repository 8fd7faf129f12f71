// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Kubernetes

@Suite struct VersionTests {
    @Test(arguments: [
        ("1", "20", "v1.20.2", 20), ("1", "20+", "v1.20.15-gke.2500", 20),
        ("1", "36", "v1.36.2", 36), ("", "", "v1.29.3+k3s1", 29), ("1", "", "v1.8.0", 8),
    ])
    func `Versions as vendors write them`(
        major: String,
        minor: String,
        gitVersion: String,
        expected: Int
    ) async throws {
        let cluster = StubCluster(
            .json(#"{"major":"\#(major)","minor":"\#(minor)","gitVersion":"\#(gitVersion)"}"#)
        )
        let version = try await cluster.client().serverVersion()
        #expect(version == ServerVersion(1, expected))
        #expect(version.description == gitVersion)
        #expect(cluster.asked == ["GET /version"])
    }

    @Test func `Versions are compared as numbers`() {
        #expect(ServerVersion(1, 9) < ServerVersion(1, 20))
        #expect(ServerVersion(1, 36) < ServerVersion(2, 0))
        #expect(ServerVersion(1, 20, gitVersion: "v1.20.2") == ServerVersion(1, 20))
    }

    @Test(arguments: ["{}", #"{"major":"x","minor":"y","gitVersion":"z"}"#, "[]"])
    func `What is no version`(body: String) async throws {
        let client = try StubCluster(.json(body)).client(retry: .once)
        #expect(await error { try await client.serverVersion() }?.code == .badAnswer)
    }
}
