// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names

/// Where a bucket is: scheme, host, port, and how the bucket is named in a URL.
package struct S3Endpoint: Sendable, Equatable {
    /// How the bucket is named in a URL.
    package enum Addressing: String, Sendable {
        /// `https://host/bucket/key`: every store understands it.
        case path
        /// `https://bucket.host/key`: what AWS asks for.
        case virtualHost = "virtual"
        /// Virtual host for AWS and a bucket without dots, else path.
        case automatic = "auto"
    }

    package let isTLS: Bool
    /// Without brackets for an IPv6 address.
    package let host: String
    /// nil for the scheme's own.
    package let port: Int?
    package let bucket: String
    /// Never `.automatic`.
    package let addressing: Addressing

    /// Takes an endpoint as an administrator writes it.
    ///
    /// - Parameters:
    ///   - url: `https://host[:port][/]`; nil means AWS in `region`.
    ///   - allowHTTP: takes `http://` for other machines than this one, too.
    /// - Throws: `.configuration` that says what is wrong and what to write.
    package init(
        url: String?,
        bucket: String,
        region: String,
        addressing: Addressing = .automatic,
        allowHTTP: Bool = false
    ) throws(S3Error) {
        let parsed = try S3EndpointText(url ?? "https://s3.\(region).amazonaws.com")
        guard parsed.isTLS || allowHTTP || parsed.isLoopback else {
            throw .configuration(
                "Cannot use the endpoint \(parsed.text.logSafe): http:// to another machine sends "
                    + "data and session tokens in the clear",
                remedy: "Write https://, or set allow_http if the network is trusted."
            )
        }
        try BucketRules.check(bucket)
        isTLS = parsed.isTLS
        host = parsed.host
        port = parsed.port == (parsed.isTLS ? 443 : 80) ? nil : parsed.port
        self.bucket = bucket
        let hasDot = bucket.utf8.contains(UInt8(ascii: "."))
        let fitsHost = BucketRules.fitsHostName(bucket)
        switch addressing {
        case .path: self.addressing = .path
        case .automatic:
            let isAWS = Array(parsed.host.utf8).ends(with: ".amazonaws.com")
            self.addressing = isAWS && fitsHost && !hasDot ? .virtualHost : .path
        case .virtualHost:
            guard fitsHost, !(hasDot && isTLS), !parsed.isAddress else {
                throw .configuration(
                    "Cannot use virtual-host addressing for the bucket \(bucket.logSafe) at "
                        + "\(parsed.text.logSafe): \(bucket.logSafe).\(parsed.host) is no name a "
                        + "certificate can cover",
                    remedy: "Set addressing to path."
                )
            }
            self.addressing = .virtualHost
        }
    }

    /// As the `Host` field has it.
    package var hostField: String {
        let name = addressing == .virtualHost ? "\(bucket).\(bracketedHost)" : bracketedHost
        return port.map { "\(name):\($0)" } ?? name
    }

    /// The encoded path of an object, or of the bucket.
    package func path(_ key: ObjectKey?) -> String {
        let keyText = key.map { PercentEncoding.encode($0.bytes, keepingSlashes: true) } ?? ""
        switch addressing {
        case .virtualHost: return "/" + keyText
        default:
            let bucketText = PercentEncoding.encode(bucket.utf8)
            return key == nil ? "/\(bucketText)" : "/\(bucketText)/\(keyText)"
        }
    }

    /// `https://host:port`, for messages.
    package var text: String {
        "\(isTLS ? "https" : "http")://" + (port.map { "\(bracketedHost):\($0)" } ?? bracketedHost)
    }

    /// The start of every URL: `https://host:port`, the bucket's name in it where it belongs.
    var origin: String { "\(isTLS ? "https" : "http")://\(hostField)" }

    private var bracketedHost: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    }
}

extension S3Error {
    /// The configuration cannot be used.
    static func configuration(_ what: String, remedy: String) -> S3Error {
        S3Error(.configuration, what: what, remedy: remedy)
    }
}

extension [UInt8] {
    func ends(with suffix: String) -> Bool {
        self.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }
}
