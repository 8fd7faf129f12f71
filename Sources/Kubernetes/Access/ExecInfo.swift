// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials

/// What a credential program is told (`ExecCredential`, its `spec`).
struct ExecInfo {
    let apiVersion: String
    /// nil where the program is not to know.
    let cluster: KubeconfigCluster?

    /// - Parameter place: for the message if it cannot be written.
    func json(_ place: KubeconfigValue) throws(KubernetesError) -> String {
        let head = #"{"apiVersion":"\#(apiVersion)","kind":"ExecCredential","spec":{"#
        guard let cluster else { return head + #""interactive":false}}"# }
        let fields = Cluster(
            server: cluster.server,
            tlsServerName: cluster.tlsServerName,
            certificateAuthorityData: cluster.authority.map { Data($0).base64EncodedString() },
            proxyURL: cluster.proxy?.reveal()
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(fields) else { throw place.wrong("it cannot be JSON") }
        var text = String(decoding: data, as: UTF8.self)
        if let config = cluster.programConfig {
            // The encoder knows no JSON that is there already.
            text = text.dropLast() + #","config":\#(config)}"#
        }
        return head + #""cluster":\#(text),"interactive":false}}"#
    }

    private struct Cluster: Encodable {
        let server: String
        let tlsServerName: String?
        let certificateAuthorityData: String?
        let proxyURL: String?

        private enum CodingKeys: String, CodingKey {
            case server
            case tlsServerName = "tls-server-name"
            case certificateAuthorityData = "certificate-authority-data"
            case proxyURL = "proxy-url"
        }
    }
}
