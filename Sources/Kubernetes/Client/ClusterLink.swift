// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Synchronization
import Transport

/// The connections to one API server, and what is shown to it.
///
/// Calls and streams have transports of their own, so that no number of logs that are followed
/// keeps a call waiting.
final class ClusterLink: Sendable {
    /// Makes the transports for a client certificate.
    typealias Factory =
        @Sendable (CurlTransport.Options.ClientCertificate?) throws(TransportError) -> Transports

    struct Transports: Sendable {
        let calls: any HTTPTransport
        let streams: any HTTPTransport
    }

    /// What one attempt goes out with.
    struct Pass: Sendable {
        let transports: Transports
        let fields: [HTTPField]
        /// Which credentials these are.
        let generation: Int
    }

    /// Logs and watches at a time; more wait their turn.
    static let streamLimit = 512

    private struct Current: Sendable {
        var transports: Transports
        var certificate: CurlTransport.Options.ClientCertificate?
    }

    let access: ClusterAccess
    let address: ServerAddress
    private let login: LoginKeeper
    private let make: Factory
    private let current: Mutex<Current>

    init(
        _ access: ClusterAccess,
        at address: ServerAddress,
        clock: ClusterClock,
        make: @escaping Factory
    ) throws(TransportError) {
        self.access = access
        self.address = address
        self.make = make
        login = LoginKeeper(access.login, clock: clock)
        current = Mutex(
            Current(
                transports: try make(access.clientCertificate),
                certificate: access.clientCertificate
            )
        )
    }

    /// What to go out with now.
    func pass() async throws(KubernetesError) -> Pass {
        let shown = try await login.credential()
        var fields: [HTTPField] = []
        if let host = address.hostField { fields.append(HTTPField("host", host)) }
        if let token = shown.token {
            fields.append(HTTPField("authorization", "Bearer " + token.reveal()))
        }
        return Pass(
            transports: try transports(for: shown),
            fields: fields,
            generation: shown.generation
        )
    }

    /// The server did not accept what `generation` had.
    func refuse(_ generation: Int) { login.forget(generation) }

    /// A certificate belongs to a connection, so another one needs new connections.
    private func transports(
        for shown: ShownCredential
    ) throws(KubernetesError) -> Transports {
        guard let certificate = shown.clientCertificate else {
            return current.withLock { $0.transports }
        }
        do throws(TransportError) {
            return try current.withLock { current throws(TransportError) in
                if current.certificate?.certificatePEM != certificate.certificatePEM
                    || current.certificate?.keyPEM != certificate.keyPEM
                {
                    current.transports = try make(certificate)
                    current.certificate = certificate
                }
                return current.transports
            }
        } catch {
            throw KubernetesError(
                .configuration,
                what: "The client certificate cannot be used",
                place: access.origin,
                cause: error
            )
        }
    }

    /// Real transports for `access`.
    static func curl(_ access: ClusterAccess, at address: ServerAddress) -> Factory {
        { certificate throws(TransportError) in
            var options = CurlTransport.Options()
            options.trust = access.trust
            options.clientCertificate = certificate
            options.proxy = access.proxy
            options.connectTo = address.connectTo
            let calls = try CurlTransport(options)
            options.maxConnections = streamLimit
            options.maxConnectionsPerOrigin = streamLimit
            options.receiveBufferBytes = 32 << 10
            return Transports(calls: calls, streams: try CurlTransport(options))
        }
    }
}
