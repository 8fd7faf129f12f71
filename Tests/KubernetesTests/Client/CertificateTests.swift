// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// What is said of an API server that is not trusted (F78).
@Suite struct CertificateTests {
    private func failure(
        of server: OpenSSLServer,
        trusting trusted: OpenSSLServer
    ) async throws -> KubernetesError {
        let access = ClusterAccess(
            server: "https://127.0.0.1:\(server.port)",
            trust: .pem(trusted.certificatePEM),
            proxy: Redacted(""),
            origin: "/etc/kubeconfig"
        )
        let client = try KubernetesClient(access, namespace: "galaxy", retry: .once)
        let error = await error { try await client.jobs(.everything) }
        return try #require(error)
    }

    @Test func `One that is out of date is not for want of an authority`() async throws {
        let server = try OpenSSLServer(
            name: "IP:127.0.0.1",
            validity: ("20200101000000Z", "20200102000000Z")
        )
        defer { server.stop() }
        let found = try await failure(of: server, trusting: server)
        #expect(found.code == .untrusted)
        #expect(found.remedy.contains("renewed"), "\(found.line)")
        #expect(!found.line.contains("/etc/kubeconfig"), "\(found.line)")
    }

    @Test func `One of another authority is`() async throws {
        let (server, other) = (
            try OpenSSLServer(name: "IP:127.0.0.1"), try OpenSSLServer(name: "IP:127.0.0.1")
        )
        defer {
            server.stop()
            other.stop()
        }
        let found = try await failure(of: server, trusting: other)
        #expect(found.code == .untrusted)
        #expect(found.remedy.contains("authority"), "\(found.line)")
        #expect(found.remedy.contains("/etc/kubeconfig"), "\(found.line)")
    }
}
