// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Transport

/// What a credential program answers (`ExecCredential`, its `status`).
struct ExecCredential {
    let shown: ShownCredential

    /// Why an answer cannot be used; never what it holds.
    struct Fault: Error {
        let words: String
    }

    /// - Parameter apiVersion: what the program was told to speak.
    init(_ output: [UInt8], apiVersion: String) throws(Fault) {
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(output)) else {
            throw Fault(words: "its output is no ExecCredential in JSON")
        }
        guard document.kind == "ExecCredential", document.apiVersion == apiVersion else {
            throw Fault(words: "its output is no ExecCredential of \(apiVersion)")
        }
        guard let status = document.status else { throw Fault(words: "its output has no status") }
        var shown = ShownCredential()
        if let token = status.token, !token.isEmpty {
            guard let bearer = ClusterLogin.bearer(Array(token.utf8)) else {
                throw Fault(words: "its token is none")
            }
            shown.token = bearer
        }
        switch (status.clientCertificateData, status.clientKeyData) {
        case (nil, nil): break
        case (let certificate?, let key?):
            shown.clientCertificate = CurlTransport.Options.ClientCertificate(
                certificatePEM: Array(certificate.utf8),
                keyPEM: Redacted(Array(key.utf8))
            )
        default: throw Fault(words: "it gave a client certificate or its key, not both")
        }
        guard shown.token != nil || shown.clientCertificate != nil else {
            throw Fault(words: "it gave neither a token nor a client certificate")
        }
        if let text = status.expirationTimestamp {
            guard let moment = Self.seconds(text) else {
                throw Fault(words: "its expirationTimestamp is no time of RFC 3339")
            }
            shown.expires = moment
        }
        self.shown = shown
    }

    private struct Document: Decodable {
        let apiVersion: String
        let kind: String
        let status: Status?
    }

    private struct Status: Decodable {
        let token: String?
        let clientCertificateData: String?
        let clientKeyData: String?
        let expirationTimestamp: String?
    }

    /// Seconds since 1970.
    private static func seconds(_ text: String) -> Int64? {
        let style = Date.ISO8601FormatStyle()
        let date =
            (try? style.parse(text))
            ?? (try? style.year().month().day().time(includingFractionalSeconds: true).parse(text))
        return date.map { Int64($0.timeIntervalSince1970.rounded(.down)) }
    }
}
