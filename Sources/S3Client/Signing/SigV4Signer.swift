// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import Transport

/// Signs requests with AWS Signature Version 4. Pure: the time is an argument.
package struct SigV4Signer: Sendable {
    package let credentials: Credentials
    package let region: String
    /// `s3` or `sts`.
    package let service: String
    /// Where derived keys are kept; nil derives one for each signature.
    private let keys: SigningKeys?

    package init(credentials: Credentials, region: String, service: String = "s3") {
        self.init(credentials: credentials, region: region, service: service, keys: nil)
    }

    init(credentials: Credentials, region: String, service: String = "s3", keys: SigningKeys?) {
        self.credentials = credentials
        self.region = region
        self.service = service
        self.keys = keys
    }

    /// The fields to send: the given ones, the ones the signature adds, and `authorization`.
    ///
    /// - Parameters:
    ///   - host: as the `Host` field will have it; it is signed but not among the result, because
    ///     the transport sends it.
    ///   - path: percent-encoded already.
    package func fields(
        signing fields: [HTTPField],
        method: String,
        host: String,
        path: String,
        query: [QueryItem],
        payload: PayloadHash,
        at time: Timestamp
    ) -> [HTTPField] {
        var sent = fields
        sent.append(HTTPField("x-amz-content-sha256", payload.text))
        sent.append(HTTPField("x-amz-date", time.stamp))
        if let token = credentials.sessionToken {
            sent.append(HTTPField("x-amz-security-token", token.reveal()))
        }
        let canonical = CanonicalRequest(
            method: method,
            path: path,
            query: query,
            fields: sent + [HTTPField("host", host)],
            payload: payload
        )
        let value =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope(at: time)), "
            + "SignedHeaders=\(canonical.signedNames), "
            + "Signature=\(signature(of: canonical, at: time))"
        sent.append(HTTPField("authorization", value))
        return sent
    }

    /// The query of a URL that anyone may use until it expires: the given items and the signature's.
    ///
    /// - Parameter expiresInSeconds: 1 to 604,800.
    package func presignedQuery(
        method: String,
        host: String,
        path: String,
        query: [QueryItem],
        fields: [HTTPField] = [],
        expiresInSeconds: Int,
        at time: Timestamp
    ) -> String {
        let signed = fields + [HTTPField("host", host)]
        let names = Set(signed.map(\.name)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var items =
            query + [
                QueryItem("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
                QueryItem("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope(at: time))"),
                QueryItem("X-Amz-Date", time.stamp),
                QueryItem("X-Amz-Expires", String(expiresInSeconds)),
                QueryItem("X-Amz-SignedHeaders", names.joined(separator: ";")),
            ]
        if let token = credentials.sessionToken {
            items.append(QueryItem("X-Amz-Security-Token", token.reveal()))
        }
        let canonical = CanonicalRequest(
            method: method,
            path: path,
            query: items,
            fields: signed,
            payload: .unsigned
        )
        return CanonicalRequest.queryText(items) + "&X-Amz-Signature="
            + signature(of: canonical, at: time)
    }

    /// The signature alone, 64 hexadecimal digits.
    package func signature(of canonical: CanonicalRequest, at time: Timestamp) -> String {
        let digest = SHA256Digest(of: Array(canonical.text.utf8)).hex
        let toSign = ["AWS4-HMAC-SHA256", time.stamp, scope(at: time), digest]
            .joined(separator: "\n")
        return Hex.encode(
            HMACSHA256.code(key: signingKey(on: time.day), message: Array(toSign.utf8))
        )
    }

    private func scope(at time: Timestamp) -> String {
        "\(time.day)/\(region)/\(service)/aws4_request"
    }

    private func signingKey(on day: String) -> [UInt8] {
        let words = [day, region, service, "aws4_request"]
        return keys?.key(credentials.secretKey, words)
            ?? SigningKeys.derive(credentials.secretKey, words)
    }
}
