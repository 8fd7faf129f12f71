// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import S3Client
import TestSupport
import Testing

/// What tests do to the cluster as a whole, and to what it keeps for others.
extension ClusterLab {
    /// Does `body` while these programs are away. They are stopped in this order, come back in the
    /// other whatever `body` comes to, and the node is ready when this returns.
    func without<Value>(
        _ programs: String...,
        do body: () async throws -> Value
    ) async throws -> Value {
        try await without(programs, do: body)
    }

    func without<Value>(
        _ programs: [String],
        do body: () async throws -> Value
    ) async throws -> Value {
        for program in programs { try cluster.component("stop", program) }
        return try await restoring(body) {
            for program in programs.reversed() { try cluster.component("start", program) }
        }
    }

    /// Does `body` while a program of the cluster takes everything and answers nothing.
    func freezing<Value>(
        _ program: String,
        do body: () async throws -> Value
    ) async throws -> Value {
        let file = "\(cluster.state)/process/\(program)"
        try Shell.run("read -r pid started < \(file); kill -STOP $pid")
        return try await restoring(body) {
            try Shell.run("read -r pid started < \(file); kill -CONT $pid")
        }
    }

    private func restoring<Value>(
        _ body: () async throws -> Value,
        _ restore: () throws -> Void
    ) async throws -> Value {
        let value: Value
        do {
            value = try await body()
        } catch {
            try restore()
            try await waitForNode()
            throw error
        }
        try restore()
        try await waitForNode()
        return value
    }

    /// Waits until the node can run pods.
    func waitForNode() async throws {
        let words =
            "get nodes -o jsonpath='{.items[*].status.conditions[?(@.type==\"Ready\")].status}"
            + "{.items[*].spec.taints}' 2>&1 || true"
        try await Patience.veryLong.wait("the node to be ready") {
            try cluster.kubectl(words) == "True"
        }
    }

    /// Gives `body` the name of a Secret that the cluster has for this test alone.
    func withSecret(
        _ key: String,
        _ text: String,
        do body: (String) async throws -> Void
    ) async throws {
        let name = "secret-\(instance)"
        try store(secret: name, key, text)
        defer { _ = try? cluster.kubectl("delete secret \(name)") }
        try await body(name)
    }

    /// Makes the Secret of this name hold `text`, whatever it held.
    func store(
        secret name: String,
        _ key: String,
        _ text: String
    ) throws {
        let file = "\(lab.folder)/secret"
        try ChildProcess.write(Array(text.utf8), to: file)
        defer { unlink(file) }
        let kubectl = "kubectl --kubeconfig '\(cluster.adminConfig)' -n \(cluster.namespace)"
        try Shell.run(
            """
            \(kubectl) create secret generic \(name) --from-file=\(key)=\(file) \
                --dry-run=client -o yaml | \(kubectl) apply -f -
            """
        )
    }

    /// What the pod's containers see of its Secrets now.
    func mountedSecrets(of pod: String) throws -> String {
        let uid = try cluster.kubectl("get pod \(pod) -o jsonpath={.metadata.uid}")
        let folder = "\(cluster.state)/kubelet/pods/\(uid)/volumes/kubernetes.io~secret"
        // It is in memory, and mounted where only the node's programs see it.
        return try Shell.run(
            """
            read -r pid started < '\(cluster.state)/process/namespace'
            nsenter --mount=/proc/$pid/ns/mnt sh -c 'cat \(folder)/*/credentials' 2> /dev/null || true
            """
        )
    }

    /// Makes a copy of the head's kubeconfig that reads its token from a file, and says where the
    /// two are.
    func kubeconfigWithTokenFile() throws -> (config: String, tokenFile: String) {
        let (config, token) = ("\(lab.folder)/kubeconfig", "\(lab.folder)/token")
        try Shell.run(
            """
            sed -nE 's/^ *token: (.*)$/\\1/p' '\(cluster.headConfig)' > \(token)
            sed -E 's|^( *)token: .*$|\\1tokenFile: \(token)|' '\(cluster.headConfig)' > \(config)
            grep -q tokenFile \(config)
            """
        )
        return (config, token)
    }
}

extension Credentials {
    /// As an AWS credentials file has them.
    var file: String {
        "[default]\naws_access_key_id = \(accessKeyID)\n"
            + "aws_secret_access_key = \(secretKey.reveal())\n"
    }
}

extension RunAnswer {
    /// What the person who watches was told beside the events.
    var notes: [String] { lines.filter { $0.event == "note" }.compactMap(\.text) }
    /// What the tries waited for.
    var waits: [String] { lines.filter { $0.event == "waiting" }.compactMap(\.text) }
    /// The last words, whichever way it ended.
    var message: String { ending?.message ?? error?.message ?? "" }
}
