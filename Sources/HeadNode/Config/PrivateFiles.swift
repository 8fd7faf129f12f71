// SPDX-License-Identifier: Apache-2.0

import Names

/// The files that hold this machine's own keys and configuration: none of them travels to a worker,
/// whoever names it.
enum PrivateFiles {
    private static let serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

    /// Where they are, as far as that is known; they need not be there.
    ///
    /// - Parameters:
    ///   - configFile: Galaxy's `galaxy.yml`, most often, which has other passwords in it.
    ///   - kubeconfig: the one that is configured.
    static func places(
        configFile: String?,
        kubeconfig: FilePath?,
        environment: [String: String]
    ) -> [[UInt8]] {
        let home = environment["HOME"] ?? ""
        let named = [
            configFile,
            "\(home)/.aws/config",
            "\(home)/.aws/credentials",
            "\(home)/.kube/config",
            serviceAccountToken,
            environment["AWS_CONFIG_FILE"],
            environment["AWS_SHARED_CREDENTIALS_FILE"],
            environment["AWS_WEB_IDENTITY_TOKEN_FILE"],
        ]
        let clusters = Array((environment["KUBECONFIG"] ?? "").utf8)
            .split(separator: UInt8(ascii: ":"))
        let texts = named.compactMap { $0.map { Array($0.utf8) } } + clusters.map(Array.init)
        return texts.map { text in
            text.starts(with: "~/".utf8) ? Array(home.utf8) + text.dropFirst() : text
        } + [kubeconfig].compactMap { $0?.bytes }
    }
}
