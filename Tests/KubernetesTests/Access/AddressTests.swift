// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

@testable import Kubernetes

@Suite struct AddressTests {
    @Test(arguments: [
        ("https://k", "https://k"), ("https://k:6443", "https://k:6443"),
        ("https://k:6443/", "https://k:6443"),
        ("https://r.example/k8s/c-1/", "https://r.example/k8s/c-1"),
        ("https://[fd00::1]:6443", "https://[fd00::1]:6443"), ("https://[::1]", "https://[::1]"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
    ])
    func `URLs of servers`(url: String, base: String) throws {
        let address = try #require(ServerAddress(url))
        #expect(address.base == base)
        #expect(address.hostField == nil && address.connectTo == nil)
    }

    @Test(arguments: [
        "", "k", "k:6443", "ftp://k", "https://", "https:///x", "https://k:", "https://k:0",
        "https://k:65536", "https://k:x", "https://u@k", "https://k?x", "https://k#x",
        "https://a b",
        "https://fd00::1", "https://[::1", "https://é", "https://k:-1", "HTTPS://k",
    ])
    func `What is none`(url: String) { #expect(ServerAddress(url) == nil) }

    @Test func `Another name in the certificate`() throws {
        let plain = try #require(
            ServerAddress("https://10.0.0.1:6443/x", tlsServerName: "kubernetes")
        )
        #expect(plain.base == "https://kubernetes:6443/x")
        #expect(plain.connectTo == "10.0.0.1:6443")
        #expect(plain.hostField == "10.0.0.1:6443")
        let short = try #require(ServerAddress("https://[::1]", tlsServerName: "k"))
        #expect(short.connectTo == "[::1]:443")
        for name in ["", "a b", "a/b", "a:1", "[::1]", "a@b"] {
            #expect(ServerAddress("https://k", tlsServerName: name) == nil)
        }
    }

    /// Invariant 8, on the wire.
    @Test func `Credentials are not sent in the clear`() {
        let token = ClusterLogin.token(Redacted("t"))
        func make(_ server: String, _ login: ClusterLogin) throws {
            _ = try KubernetesClient(
                ClusterAccess(server: server, login: login, origin: "test"),
                namespace: "galaxy"
            )
        }
        #expect(throws: KubernetesError.self) { try make("http://k:8080", token) }
        #expect(throws: Never.self) { try make("http://127.0.0.1:8080", token) }
        #expect(throws: Never.self) { try make("http://k:8080", .none) }
        #expect(throws: Never.self) { try make("https://k", token) }
    }
}

@Suite struct InClusterTests {
    private func account(_ files: [String: String]) throws -> TokenFile {
        let folder = try TokenFile("t")
        for (name, content) in files { try folder.write(content, to: name) }
        return folder
    }

    @Test(arguments: [
        ("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443"),
    ])
    func `What the kubelet gives`(host: String, server: String) throws {
        let folder = try account(["ca.crt": KubeconfigTests.pem, "namespace": "galaxy\n"])
        defer { folder.remove() }
        let access = try ClusterAccess.inCluster(
            directory: folder.folder,
            environment: ["KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"]
        )
        #expect(access.server == server)
        #expect(access.namespace == "galaxy")
        guard case .tokenFile(folder.path) = access.login, case .pem = access.trust else {
            Issue.record("no token file, or no authority")
            return
        }
    }

    @Test func `What is missing is named`() throws {
        let environment = ["KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "443"]
        let folder = try account([:])
        defer { folder.remove() }
        let thrown = #expect(throws: KubernetesError.self) {
            try ClusterAccess.inCluster(directory: folder.folder, environment: environment)
        }
        #expect(thrown?.place == folder.folder + "/ca.crt")
        let outside = #expect(throws: KubernetesError.self) {
            try ClusterAccess.inCluster(directory: folder.folder, environment: [:])
        }
        #expect(outside?.what.contains("no pod") == true)
    }
}
