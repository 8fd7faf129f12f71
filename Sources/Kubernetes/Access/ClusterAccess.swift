// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// Where an API server is, why it is trusted, and who we are to it.
package struct ClusterAccess: Sendable {
    /// Such as `https://10.0.0.1:6443`; it can have a path, and has no slash at its end.
    package let server: String
    package let trust: CurlTransport.Options.Trust
    package let clientCertificate: CurlTransport.Options.ClientCertificate?
    package let login: ClusterLogin
    /// The namespace that is meant where nobody names one.
    package let namespace: String?
    /// The name in the server's certificate, where it is not the one in `server`.
    package let tlsServerName: String?
    /// nil for what the environment says.
    package let proxy: Redacted<String>?
    /// Where all this was read, for messages.
    package let origin: String

    package init(
        server: String,
        trust: CurlTransport.Options.Trust = .system,
        clientCertificate: CurlTransport.Options.ClientCertificate? = nil,
        login: ClusterLogin = .none,
        namespace: String? = nil,
        tlsServerName: String? = nil,
        proxy: Redacted<String>? = nil,
        origin: String
    ) {
        self.server = server
        self.trust = trust
        self.clientCertificate = clientCertificate
        self.login = login
        self.namespace = namespace
        self.tlsServerName = tlsServerName
        self.proxy = proxy
        self.origin = origin
    }

    /// Reads a kubeconfig file; nothing is sent, and no program is run yet.
    ///
    /// Relative paths in it begin at its own folder. KUBECONFIG can name several files: that is the
    /// caller's to take apart.
    ///
    /// - Parameter context: whose cluster and user; nil for `current-context`.
    /// - Throws: `.configuration`, naming the file, the key path and the line.
    package static func kubeconfig(
        path: String,
        context: String? = nil
    ) throws(KubernetesError) -> ClusterAccess {
        try Kubeconfig(path: path).access(context: context)
    }
}
