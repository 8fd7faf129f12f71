// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// What a kubeconfig says, and what is said about one that cannot be used.
@Suite struct KubeconfigTests {
    static let pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    static let base64 = Data(pem.utf8).base64EncodedString()

    /// A file with one user and one cluster.
    static func text(
        user: String = "{token: t}",
        cluster: String = "{server: 'https://k:6443'}"
    ) -> String {
        """
        apiVersion: v1
        kind: Config
        preferences: {colors: true}
        current-context: here
        contexts:
        - name: elsewhere
          context: {cluster: none, user: none}
        - name: here
          context: {cluster: c, user: u, namespace: galaxy}
        clusters:
        - name: c
          cluster: \(cluster)
        users:
        - name: other
          user: {token: wrong}
        - name: u
          user: \(user)
        """
    }

    private func read(
        _ text: String,
        context: String? = nil,
        beside files: [String: String] = [:]
    ) throws -> ClusterAccess {
        let folder = try TokenFile("")
        defer { folder.remove() }
        try folder.write(text, to: "config")
        for (name, content) in files { try folder.write(content, to: name) }
        return try ClusterAccess.kubeconfig(path: folder.folder + "/config", context: context)
    }

    private func failure(_ text: String, context: String? = nil) throws -> KubernetesError {
        let thrown = #expect(throws: KubernetesError.self) { try read(text, context: context) }
        let error = try #require(thrown)
        #expect(error.code == .configuration)
        #expect(error.place.contains("/config"))
        return error
    }

    @Test func `The current context leads to a cluster and a user`() throws {
        let access = try read(Self.text())
        #expect(access.server == "https://k:6443")
        #expect(access.namespace == "galaxy")
        guard case .token(let token) = access.login, case .system = access.trust else {
            Issue.record("no token, or another trust")
            return
        }
        #expect(token.reveal() == "t")
        #expect(access.origin.utf8.starts(with: #"context "here" of /tmp/"#.utf8))
    }

    @Test func `Bytes in the file, and bytes beside it`() throws {
        let inside = try read(
            Self.text(
                user:
                    "{client-certificate-data: \(Self.base64), client-key-data: \(Self.base64)}",
                cluster:
                    "{server: 'https://k', certificate-authority-data: \(Self.base64), certificate-authority: none}"
            )
        )
        let beside = try read(
            Self.text(
                user: "{client-certificate: a.pem, client-key: ./b.pem}",
                cluster: "{server: 'https://k', certificate-authority: a.pem}"
            ),
            beside: ["a.pem": Self.pem, "b.pem": Self.pem]
        )
        for access in [inside, beside] {
            guard case .pem(let authority) = access.trust else {
                Issue.record("no authority")
                continue
            }
            #expect(authority == Array(Self.pem.utf8))
            #expect(access.clientCertificate?.certificatePEM == Array(Self.pem.utf8))
            #expect(access.clientCertificate?.keyPEM.reveal() == Array(Self.pem.utf8))
        }
    }

    @Test func `A token file is found beside the kubeconfig, and comes before a token`() throws {
        let access = try read(Self.text(user: "{token: old, tokenFile: dir/token}"))
        guard case .tokenFile(let path) = access.login else {
            Issue.record("no token file")
            return
        }
        #expect(path.utf8.starts(with: "/tmp/".utf8) && path.contains("/dir/token"))
    }

    @Test func `A name in the certificate, and a proxy`() throws {
        let access = try read(
            Self.text(
                cluster:
                    "{server: 'https://10.0.0.1:6443', tls-server-name: kubernetes, proxy-url: 'socks5://u:p@h:1'}"
            )
        )
        #expect(access.tlsServerName == "kubernetes")
        #expect(access.proxy?.reveal() == "socks5://u:p@h:1")
    }

    @Test func `JSON is YAML`() throws {
        let json =
            #"{"current-context":"x","contexts":[{"name":"x","context":{"cluster":"c","user":""}}],"#
            + #""clusters":[{"name":"c","cluster":{"server":"https://k/"}}],"users":null}"#
        let access = try read(json)
        guard case .none = access.login else {
            Issue.record("a login from nowhere")
            return
        }
    }

    /// Each names the key path.
    @Test(arguments: [
        (
            "{server: 'https://k', insecure-skip-tls-verify: true}",
            "clusters[0].cluster.insecure-skip-tls-verify"
        ),
        ("{server: 'k:6443'}", "clusters[0].cluster.server"),
        ("{server: 'https://u:p@k'}", "clusters[0].cluster.server"),
        ("{}", "clusters[0].cluster.server"),
        ("[]", "clusters[0].cluster"),
        ("{server: {a: b}}", "clusters[0].cluster.server"),
        (
            "{server: 'https://k', certificate-authority-data: '?'}",
            "clusters[0].cluster.certificate-authority-data"
        ),
        (
            "{server: 'https://k', certificate-authority-data: AAAA}",
            "clusters[0].cluster.certificate-authority-data"
        ),
        (
            "{server: 'https://k', certificate-authority: none.pem}",
            "clusters[0].cluster.certificate-authority"
        ),
        ("{server: 'https://k', proxy-url: 'ftp://x'}", "clusters[0].cluster.proxy-url"),
        ("{server: 'https://k', tls-server-name: 'a b'}", "clusters[0].cluster.server"),
        (
            "{server: 'https://k', insecure-skip-tls-verify: maybe}",
            "clusters[0].cluster.insecure-skip-tls-verify"
        ),
    ])
    func `A cluster that cannot be used`(cluster: String, path: String) throws {
        let error = try failure(Self.text(cluster: cluster))
        #expect(error.place.contains(": \(path)"), "\(error.line)")
    }

    @Test(arguments: [
        ("{username: a, password: hunter2}", "users[1].user.username"),
        ("{auth-provider: {name: gcp}}", "users[1].user.auth-provider"),
        ("{token: t, as: somebody}", "users[1].user.as"),
        ("{token: 'hunter2 \\u00e9'}", "users[1].user.token"),
        ("{client-certificate-data: BASE}", "users[1].user.client-key"),
        ("{client-key-data: BASE}", "users[1].user.client-certificate"),
        ("{client-key: hunter2}", "users[1].user.client-key"),
        ("{exec: {command: x}}", "users[1].user.exec.apiVersion"),
        (
            "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}",
            "users[1].user.exec.apiVersion"
        ),
        ("{exec: {apiVersion: client.authentication.k8s.io/v1}}", "users[1].user.exec.command"),
        (
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}}",
            "users[1].user.exec.interactiveMode"
        ),
        (
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, args: y}}",
            "users[1].user.exec.args"
        ),
        (
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, env: [{value: y}]}}",
            "users[1].user.exec.env[0].name"
        ),
    ])
    func `A user that cannot be used`(user: String, path: String) throws {
        let error = try failure(Self.text(user: user.replacing("BASE", with: Self.base64)))
        #expect(error.place.contains(": \(path)"), "\(error.line)")
        // What stands there may be a secret, but for names of files.
        if path != "users[1].user.client-key" { #expect(!error.tree.contains("hunter2")) }
    }

    @Test func `A context that is not there names those that are`() throws {
        let error = try failure(Self.text(), context: "nowhere")
        #expect(error.what.contains(#"there is "elsewhere", "here""#))
        let dangling = try failure(Self.text(), context: "elsewhere")
        #expect(dangling.place.contains(": clusters"))
        #expect(dangling.what.contains(#""none" is not in it"#))
        let none = try failure("contexts: []")
        #expect(none.place.contains("current-context"))
    }

    @Test func `Two of one name are not chosen from`() throws {
        let twice = Self.text() + "\n- name: u\n  user: {token: another}\n"
        #expect(try failure(twice).what.contains("twice"))
    }

    @Test func `The line is named`() throws {
        let error = try failure(Self.text(user: "{exec: {apiVersion: x, command: y}}"))
        #expect(error.place.contains("(line 17)"), "\(error.place)")
    }

    @Test(arguments: ["a: [", "a: b: c", "\u{1}", "- - :\n\t- x", "a: *b", "x: 1\nx: 2"])
    func `What is no YAML`(text: String) throws { _ = try failure(text) }

    @Test func `What is no text, what is too long, and what is not there`() throws {
        let folder = try TokenFile("")
        defer { folder.remove() }
        let path = folder.folder + "/config"
        func attempt() throws -> KubernetesError {
            try #require(
                #expect(throws: KubernetesError.self) { try ClusterAccess.kubeconfig(path: path) }
            )
        }
        #expect(try attempt().what.contains("No such file"))
        try ChildProcess.write([0xff, 0xfe], to: path)
        #expect(try attempt().what.contains("UTF-8"))
        try ChildProcess.write([UInt8](repeating: 32, count: 5 << 20), to: path)
        #expect(try attempt().what.contains("bytes"))
        #expect(
            throws: KubernetesError.self,
            "a folder"
        ) { try ClusterAccess.kubeconfig(path: folder.folder) }
    }
}
