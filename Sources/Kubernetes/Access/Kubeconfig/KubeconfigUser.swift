// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// A user of a kubeconfig: who we are to the server.
struct KubeconfigUser {
    let certificate: CurlTransport.Options.ClientCertificate?
    let login: ClusterLogin

    init(_ user: KubeconfigValue, cluster: KubeconfigCluster) throws(KubernetesError) {
        for key in ["username", "password"] where try user[key].exists {
            throw try user[key]
                .wrong(
                    "API servers take no user name and password any more",
                    remedy: "Use a token, a client certificate or an exec plugin."
                )
        }
        if try user["auth-provider"].exists {
            throw try user["auth-provider"]
                .wrong("auth-provider was removed from Kubernetes", remedy: "Use an exec plugin.")
        }
        for key in ["as", "as-uid", "as-groups", "as-user-extra"] where try user[key].exists {
            throw try user[key]
                .wrong(
                    "to act as somebody else is not supported",
                    remedy: "Use a context with the credentials of whom you mean."
                )
        }
        certificate = try Self.certificate(user)
        login = try Self.login(user, cluster)
    }

    /// In kubectl's order: a file that is renewed, a token, a program.
    private static func login(
        _ user: KubeconfigValue,
        _ cluster: KubeconfigCluster
    ) throws(KubernetesError) -> ClusterLogin {
        if let path = try user["tokenFile"].filePath() { return .tokenFile(path) }
        let token = try user["token"]
        if let text = try token.text() {
            guard let bearer = ClusterLogin.bearer(Array(text.utf8)) else {
                throw token.wrong("it is no token")
            }
            return .token(bearer)
        }
        let program = try user["exec"]
        guard program.exists else { return .none }
        return .program(try CredentialProgram(program, cluster: cluster))
    }

    private static func certificate(
        _ user: KubeconfigValue
    ) throws(KubernetesError) -> CurlTransport.Options.ClientCertificate? {
        let certificate = try pem("client-certificate", user)
        let key = try pem("client-key", user)
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?):
            return CurlTransport.Options.ClientCertificate(
                certificatePEM: certificate,
                keyPEM: Redacted(key)
            )
        case (_, nil): throw try user["client-key"].wrong("it is missing")
        case (nil, _): throw try user["client-certificate"].wrong("it is missing")
        }
    }

    private static func pem(
        _ name: String,
        _ user: KubeconfigValue
    ) throws(KubernetesError) -> [UInt8]? {
        let data = try user[name + "-data"]
        if let bytes = try data.bytes() { return try data.checkedPEM(bytes) }
        let file = try user[name]
        if let bytes = try file.fileContent() { return try file.checkedPEM(bytes) }
        return nil
    }
}
