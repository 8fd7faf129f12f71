// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport
import Yams

/// A kubeconfig file (`kind: Config`, v1), as far as it leads to one context.
struct Kubeconfig {
    let path: String

    /// - Parameter name: the context's; nil for `current-context`.
    func access(context name: String?) throws(KubernetesError) -> ClusterAccess {
        let bytes: [UInt8]
        do throws(LimitedFile.Failure) { bytes = try LimitedFile.read(path) } catch {
            throw KubernetesError(
                .configuration,
                what: "The kubeconfig cannot be read: \(error.words)",
                place: path.logSafe,
                remedy: error.isMissing ? "Name the file that is there." : ""
            )
        }
        let empty = KubeconfigValue(nil, at: "", in: path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw empty.wrong("it is not UTF-8")
        }
        let result: Result<ClusterAccess, KubernetesError>
        do {
            // The encoding is given because the default's look-up can print to standard output.
            let parser = try Parser(yaml: text, encoding: .utf8)
            let root = try parser.singleRoot()
            // Nodes refer to their anchors weakly; the parser owns them.
            result = withExtendedLifetime(parser) {
                Result { () throws(KubernetesError) in
                    try access(KubeconfigValue(root, at: "", in: path), context: name)
                }
            }
        } catch {
            throw empty.wrong(Self.words(error))
        }
        return try result.get()
    }

    private func access(
        _ root: KubeconfigValue,
        context wanted: String?
    ) throws(KubernetesError) -> ClusterAccess {
        let contexts = try root["contexts"]
        let name: String
        if let wanted {
            name = wanted
        } else if let current = try root["current-context"].text() {
            name = current
        } else {
            throw try root["current-context"]
                .wrong("no context is chosen", remedy: "Set current-context, or name a context.")
        }
        let context = try contexts.named(name)["context"]
        let cluster = try root["clusters"].named(try context["cluster"].required())["cluster"]
        let user: KubeconfigValue =
            if let name = try context["user"].text() { try root["users"].named(name)["user"] } else
            {
                KubeconfigValue(nil, at: "users", in: path)
            }
        let endpoint = try KubeconfigCluster(cluster)
        let identity = try KubeconfigUser(user, cluster: endpoint)
        return ClusterAccess(
            server: endpoint.server,
            trust: endpoint.authority.map { .pem($0) } ?? .system,
            clientCertificate: identity.certificate,
            login: identity.login,
            namespace: try context["namespace"].text(),
            tlsServerName: endpoint.tlsServerName,
            proxy: endpoint.proxy,
            origin: "context \"\(name.logSafe)\" of \(path.logSafe)"
        )
    }

    /// What the YAML parser says, without what stands in the file: it may be a secret.
    private static func words(_ error: any Error) -> String {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _),
            YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            "it is no YAML, line \(mark.line): \(problem.logSafe)"
        case YamlError.duplicatedKeysInMapping(_, let context):
            "a key is written twice, line \(context.mark.line)"
        default: "it is no YAML"
        }
    }
}
