// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

extension ClusterAccess {
    /// Reads what the kubelet gives every container of a service account.
    ///
    /// - Parameter environment: this process's, for KUBERNETES_SERVICE_HOST and
    ///   KUBERNETES_SERVICE_PORT.
    package static func inCluster(
        directory: String = "/var/run/secrets/kubernetes.io/serviceaccount",
        environment: [String: String]
    ) throws(KubernetesError) -> ClusterAccess {
        func unusable(_ what: String, _ place: String) -> KubernetesError {
            KubernetesError(
                .configuration,
                what: "The pod's service account cannot be used: \(what)",
                place: place,
                remedy:
                    "Run in a pod that has one (automountServiceAccountToken), or give a kubeconfig."
            )
        }
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
        else {
            throw unusable("this is no pod", "KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT")
        }
        let isIPv6 = host.utf8.contains(UInt8(ascii: ":"))
        let server = "https://" + (isIPv6 ? "[\(host)]" : host) + ":" + port
        guard ServerAddress(server) != nil else {
            throw unusable(
                "\"\(server.logSafe)\" is no URL",
                "KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT"
            )
        }
        func content(_ name: String) throws(KubernetesError) -> [UInt8] {
            let path = directory + "/" + name
            do throws(LimitedFile.Failure) { return try LimitedFile.read(path) } catch {
                throw unusable("\(name) cannot be read: \(error.words)", path.logSafe)
            }
        }
        let tokenFile = directory + "/token"
        _ = try content("token")
        // Its absence only means that somebody has to name a namespace.
        let namespace = (try? content("namespace")).flatMap { ClusterLogin.bearer($0)?.reveal() }
        return ClusterAccess(
            server: server,
            trust: .pem(try content("ca.crt")),
            login: .tokenFile(tokenFile),
            namespace: namespace,
            origin: "the service account in \(directory.logSafe)"
        )
    }
}
