// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Glibc
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// Programs that give credentials, run for real.
@Suite struct ProgramTests {
    private static let version = "client.authentication.k8s.io/v1"

    /// A kubeconfig beside a program of that script, and what reads it.
    ///
    /// The program is a link to the shell: a file that was just written cannot be run while another
    /// test's child still holds it open.
    private func login(
        _ folder: TokenFile,
        script: String,
        arguments: String = "",
        more: String = "",
        cluster: String = "{server: 'https://k:6443'}"
    ) throws -> ClusterLogin {
        try folder.write(script, to: "script")
        symlink("/bin/sh", folder.folder + "/plugin")
        let user =
            "{exec: {apiVersion: \(Self.version), command: ./plugin, args: ['\(folder.folder)/script'\(arguments)]\(more)}}"
        try folder.write(KubeconfigTests.text(user: user, cluster: cluster), to: "config")
        return try ClusterAccess.kubeconfig(path: folder.folder + "/config").login
    }

    private static func answer(_ status: String) -> String {
        "cat <<'END'\n"
            + #"{"apiVersion":"\#(version)","kind":"ExecCredential","status":{\#(status)}}"#
            + "\nEND\n"
    }

    private func failure(script: String, more: String = "") async throws -> KubernetesError {
        let folder = try TokenFile("")
        defer { folder.remove() }
        let client = try StubCluster(.job("a"))
            .client(retry: .once, login: try login(folder, script: script, more: more))
        return try #require(await error { try await client.job("a") })
    }

    @Test func `Its token is shown, until it ends`() async throws {
        let folder = try TokenFile("")
        defer { folder.remove() }
        let script =
            "n=$(cat n 2>/dev/null || echo 0); n=$((n + 1)); echo $n > n; cat <<END\n"
            + #"{"apiVersion":"\#(Self.version)","kind":"ExecCredential","status":"#
            + #"{"token":"t$n","expirationTimestamp":"2023-11-14T22:23:2${n}Z"}}"#
            + "\nEND\n"
        let login = try login(folder, script: "cd '\(folder.folder)'\n" + script)
        let cluster = StubCluster(.job("a"))
        // The virtual clock begins at 22:13:20: the first token has 601 seconds.
        let client = try cluster.client(login: login)
        _ = try await client.job("a")
        cluster.clock.advance(by: 570)
        _ = try await client.job("a")
        cluster.clock.advance(by: 1)
        _ = try await client.job("a")
        let shown = cluster.transport.requests.map { $0.field("authorization") }
        #expect(shown == ["Bearer t1", "Bearer t1", "Bearer t2"])
    }

    @Test func `It is run again after a 401, and once for all who ask`() async throws {
        let folder = try TokenFile("")
        defer { folder.remove() }
        let script = "echo x >> '\(folder.folder)/runs'\nsleep 0.2\n" + Self.answer(#""token":"t""#)
        let login = try login(folder, script: script)
        let cluster = StubCluster(.job("a"))
        let client = try cluster.client(login: login)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 {
                group.addTask { (try? await client.job("a")) != nil }
            }
            for await isGood in group { #expect(isGood) }
        }
        func runs() throws -> Int {
            try ChildProcess.contents(of: folder.folder + "/runs").count / 2
        }
        #expect(try runs() == 1)
        let strict = StubCluster { $0.number == 1 ? .status(401, "Unauthorized") : .job("a") }
        _ = try await strict.client(login: login).job("a")
        #expect(try runs() == 3)
    }

    @Test func `Its certificate makes new connections`() async throws {
        let folder = try TokenFile("")
        defer { folder.remove() }
        let status = #""clientCertificateData":"C","clientKeyData":"K""#
        let login = try login(folder, script: Self.answer(status))
        let made = Collected<[UInt8]?>()
        let transport = ScriptedTransport([.job("a")])
        let client = try KubernetesClient(
            ClusterAccess(server: "https://k", login: login, origin: "test"),
            namespace: "galaxy",
            clock: VirtualClock().clusterClock,
            make: { certificate in
                made.add(certificate?.keyPEM.reveal())
                return ClusterLink.Transports(calls: transport, streams: transport)
            }
        )
        _ = try await client.job("a")
        _ = try await client.job("a")
        #expect(made.all == [nil, Array("K".utf8)])
        #expect(transport.requests.allSatisfy { $0.field("authorization") == nil })
    }

    @Test func `What it is told`() async throws {
        let folder = try TokenFile("")
        defer { folder.remove() }
        let out = "'\(folder.folder)/told'"
        let script =
            "{ printf '%s|' \"$@\"; echo \"$EXTRA\"; cat; echo \"$KUBERNETES_EXEC_INFO\"; } > \(out)\n"
            + Self.answer(#""token":"t""#)
        let login = try login(
            folder,
            script: script,
            arguments: ", a, 'b c', ''",
            more:
                ", env: [{name: EXTRA, value: x}], provideClusterInfo: true, interactiveMode: IfAvailable",
            cluster:
                "{server: 'https://k:6443', certificate-authority-data: \(KubeconfigTests.base64), extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: a, n: [1, true, null, '1']}}]}"
        )
        _ = try await StubCluster(.job("a")).client(login: login).job("a")
        let told = String(
            decoding: try ChildProcess.contents(of: folder.folder + "/told"),
            as: UTF8.self
        )
        let lines = told.split(separator: "\n")
        #expect(lines.first == "a|b c||x")
        let info = try JSONDecoder().decode(Info.self, from: Data(try #require(lines.last).utf8))
        #expect(info.apiVersion == Self.version && info.kind == "ExecCredential")
        #expect(info.spec.interactive == false)
        #expect(info.spec.cluster?.server == "https://k:6443")
        #expect(info.spec.cluster?.authority == KubeconfigTests.base64)
        #expect(info.spec.cluster?.config?.audience == "a")
        #expect(told.contains(#""n":[1,true,null,"1"]"#))
    }

    private struct Info: Decodable {
        let apiVersion: String
        let kind: String
        let spec: Spec

        struct Spec: Decodable {
            let interactive: Bool
            let cluster: Cluster?
        }

        struct Cluster: Decodable {
            let server: String
            let authority: String?
            let config: Config?

            private enum CodingKeys: String, CodingKey {
                case server, config
                case authority = "certificate-authority-data"
            }
        }

        struct Config: Decodable { let audience: String }
    }

    @Test func `A program that is missing is named, with the administrator's hint`() async throws {
        let user =
            "{exec: {apiVersion: \(Self.version), command: no-such-plugin, installHint: 'apt install it'}}"
        let folder = try TokenFile("")
        defer { folder.remove() }
        try folder.write(KubeconfigTests.text(user: user), to: "config")
        let login = try ClusterAccess.kubeconfig(path: folder.folder + "/config").login
        let cluster = StubCluster(.job("a"))
        let client = try cluster.client(login: login)
        let failure = try #require(await error { try await client.job("a") })
        #expect(failure.code == .configuration)
        #expect(failure.what.contains("no-such-plugin"))
        #expect(failure.remedy == "apt install it")
        #expect(failure.place == "\(folder.folder)/config: users[1].user.exec.command")
        #expect(cluster.clock.pauses.isEmpty, "that does not pass")
    }

    /// Invariant 8: what it prints may be the credential.
    @Test(arguments: [
        "echo hunter2; echo first >&2; echo 'last words' >&2; exit 3", "echo hunter2",
        "echo '{\"token\":\"hunter2\"}'", "kill -9 $$", "true",
        #"echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"hunter2"}}'"#,
        #"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{}}'"#,
        #"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"clientKeyData":"hunter2"}}'"#,
        #"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"hunter2","expirationTimestamp":"soon"}}'"#,
        "head -c 3000000 /dev/zero",
    ])
    func `A program that fails is no configuration mistake`(script: String) async throws {
        let failure = try await failure(script: script)
        #expect(failure.code == .noCredentials, "\(failure.line)")
        #expect(failure.isRetryable)
        #expect(!failure.tree.contains("hunter2"))
        if script.contains("exit 3") {
            #expect(failure.what.contains("status 3: last words"))
            #expect(!failure.tree.contains("first"))
        }
    }

    @Test func `A program that hangs is ended, its children too`() async throws {
        let folder = try TokenFile("")
        defer { folder.remove() }
        let pids = folder.folder + "/pids"
        let login = try login(
            folder,
            script: "sleep 1000 & echo $! $$ > '\(pids)'; wait"
        )
        guard case .program(var program) = login else {
            Issue.record("no program")
            return
        }
        program.timeLimit = .seconds(1)
        let limited = program
        let failure = await error { try await CredentialProgramRun(limited).credential() }
        #expect(failure?.code == .noCredentials)
        #expect(failure?.what.contains("within 1 s") == true)
        let words = String(decoding: try ChildProcess.contents(of: pids), as: UTF8.self)
            .split { $0 == " " || $0 == "\n" }
        #expect(words.count == 2)
        #expect(ProcessTable.isRunning(getpid()), "the table can be read")
        for word in words {
            let pid = try #require(Int32(word))
            for _ in 0..<500 where ProcessTable.isRunning(pid) {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(!ProcessTable.isRunning(pid))
        }
    }

    @Test func `Who waits can be cancelled, and the others get theirs`() async throws {
        let folder = try TokenFile("")
        defer { folder.remove() }
        let gate = folder.folder + "/gate"
        let script =
            "echo x >> '\(folder.folder)/runs'; until [ -e '\(gate)' ]; do sleep 0.02; done\n"
            + Self.answer(#""token":"t""#)
        let cluster = StubCluster(.job("a"))
        let client = try cluster.client(login: try login(folder, script: script))
        let first = Task { await error { try await client.job("a") } }
        while (try? ChildProcess.contents(of: folder.folder + "/runs")) == nil {
            await Task.yield()
        }
        let second = Task { await error { try await client.job("a") } }
        let third = Task { await error { try await client.job("a") } }
        second.cancel()
        #expect(await second.value?.code == .cancelled)
        first.cancel()
        #expect(await first.value?.code == .cancelled)
        try folder.write("", to: "gate")
        let failure = await third.value
        #expect(failure == nil, "\(failure?.tree ?? "")")
    }
}
