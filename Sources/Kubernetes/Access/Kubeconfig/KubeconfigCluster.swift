// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// A cluster of a kubeconfig: where it is and why it is trusted.
struct KubeconfigCluster {
    let server: String
    let tlsServerName: String?
    /// PEM; nil for what the machine trusts.
    let authority: [UInt8]?
    let proxy: Redacted<String>?
    /// JSON that a credential program may want (`client.authentication.k8s.io/exec`).
    let programConfig: String?

    init(_ cluster: KubeconfigValue) throws(KubernetesError) {
        server = try cluster["server"].required()
        tlsServerName = try cluster["tls-server-name"].text()
        guard let address = ServerAddress(server, tlsServerName: tlsServerName) else {
            throw try cluster["server"]
                .wrong(
                    "it is no URL of a server",
                    remedy: "Write https:// and the host, such as https://10.0.0.1:6443."
                )
        }
        let skips = try cluster["insecure-skip-tls-verify"]
        if try skips.flag() {
            throw skips.wrong(
                "anybody on the way could read our credentials and change our Jobs",
                remedy: "Give certificate-authority-data instead."
            )
        }
        let data = try cluster["certificate-authority-data"]
        let file = try cluster["certificate-authority"]
        if let bytes = try data.bytes() {
            authority = try data.checkedPEM(bytes)
        } else if let bytes = try file.fileContent() {
            authority = try file.checkedPEM(bytes)
        } else {
            authority = nil
        }
        proxy = try Self.proxy(try cluster["proxy-url"])
        programConfig = try Self.programConfig(cluster)
        if !address.isTLS, !address.isLoopback, authority != nil {
            throw try cluster["server"].wrong("http:// has no use for a certificate authority")
        }
    }

    private static func proxy(
        _ value: KubeconfigValue
    ) throws(KubernetesError) -> Redacted<String>? {
        guard let text = try value.text() else { return nil }
        let schemes = ["http://", "https://", "socks5://", "socks5h://"]
        guard schemes.contains(where: { text.utf8.starts(with: $0.utf8) }),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw value.wrong("it is no http, https or socks5 URL") }
        return Redacted(text)
    }

    private static func programConfig(
        _ cluster: KubeconfigValue
    ) throws(KubernetesError) -> String? {
        for element in try cluster["extensions"].elements()
        where try element["name"].text() == "client.authentication.k8s.io/exec" {
            let value = try element["extension"]
            guard let json = value.node?.json else { throw value.wrong("it cannot be JSON") }
            return json
        }
        return nil
    }
}

extension KubeconfigValue {
    /// `bytes` if there is PEM in them.
    func checkedPEM(_ bytes: [UInt8]) throws(KubernetesError) -> [UInt8] {
        let mark = Array("-----BEGIN ".utf8)
        guard bytes.indices.contains(where: { bytes[$0...].starts(with: mark) }) else {
            throw wrong("there is no PEM in it")
        }
        return bytes
    }
}
