// SPDX-License-Identifier: Apache-2.0

import Diagnostics

extension CurlTransport {
    /// How connections are made and when they count as dead.
    package struct Options: Sendable {
        /// Whose signature on a server's certificate counts.
        package enum Trust: Sendable {
            /// What libcurl was built with: in the head the machine's, in the static worker nothing.
            case system
            /// The certificates in this PEM file, and no others.
            case file(String)
            /// The certificates in this PEM text, and no others.
            case pem([UInt8])
        }

        /// What we show a server that asks who we are.
        package struct ClientCertificate: Sendable {
            package let certificatePEM: [UInt8]
            package let keyPEM: Redacted<[UInt8]>

            package init(certificatePEM: [UInt8], keyPEM: Redacted<[UInt8]>) {
                self.certificatePEM = certificatePEM
                self.keyPEM = keyPEM
            }
        }

        package var trust: Trust = .system
        package var clientCertificate: ClientCertificate?
        /// The proxy's URL; empty for none; nil for what `http_proxy`, `https_proxy` and `no_proxy`
        /// say. It can hold a password.
        package var proxy: Redacted<String>?
        /// Whom the proxy is not asked for, as `no_proxy` has it, ports included; nil for what `no_proxy`
        /// says where the proxy comes from the environment too, else for nobody.
        package var proxyExceptions: String?
        /// `host:port` that connections are made to, whatever the URL says; an IPv6 address is in
        /// brackets. The server's certificate has to be for the URL's host all the same.
        package var connectTo: String?
        /// For resolving, connecting and agreeing on TLS together.
        package var connectTimeout: Duration = .seconds(10)
        /// For how long a transfer may stay below 1 KiB/s; a request can have its own limit.
        package var silenceLimit: Duration = .seconds(30)
        /// How long `100 Continue` is waited for before the body is sent regardless.
        package var continueTimeout: Duration = .seconds(1)
        /// Event loops at most. One moves about 1 GiB/s, and half of that over TLS.
        package var threads = 1
        /// Transfers at a time, and connections kept, of all loops together.
        package var maxConnections = 64
        /// Transfers at a time to one server.
        package var maxConnectionsPerOrigin = 32
        /// At most 512 KiB.
        package var receiveBufferBytes = 384 << 10
        /// At most 2 MiB.
        package var uploadBufferBytes = 96 << 10
        package var userAgent = "galaxy-s3-executor"

        package init() {}

        /// One loop's part of what is allowed.
        var share: Options {
            var share = self
            share.maxConnections = Self.part(of: maxConnections, threads)
            share.maxConnectionsPerOrigin = Self.part(of: maxConnectionsPerOrigin, threads)
            return share
        }

        private static func part(of limit: Int, _ threads: Int) -> Int {
            threads > 1 ? (limit + threads - 1) / threads : limit
        }
    }
}
