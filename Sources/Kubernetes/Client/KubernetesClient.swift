// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// One namespace of a cluster, over HTTP.
///
/// - A call that passes is tried again, with full jitter, within the bounds of `retry`; what it
///   throws then says how often and how long.
/// - "Not there" is only what the server says is not there. No answer, an answer of somebody else's
///   or a refusal is an error.
/// - After a 401 the credentials are read again, once a call.
/// - A value: copies share connections and credentials, and may differ in how long they go on.
package struct KubernetesClient: Sendable {
    package let namespace: String
    /// How long calls are tried again.
    package var retry: ClusterRetry

    let link: ClusterLink
    let clock: ClusterClock
    let observe: ClusterObserver

    /// - Throws: `.configuration` when the way to the server cannot be used; `.invalid` when the
    ///   namespace cannot be one. Nothing is sent.
    package init(
        _ access: ClusterAccess,
        namespace: String,
        retry: ClusterRetry = .standard,
        observe: @escaping ClusterObserver = { _ in }
    ) throws(KubernetesError) {
        try self.init(
            access,
            namespace: namespace,
            retry: retry,
            clock: .system,
            make: nil,
            observe: observe
        )
    }

    /// For tests: another clock, and other transports than libcurl's.
    init(
        _ access: ClusterAccess,
        namespace: String,
        retry: ClusterRetry = .standard,
        clock: ClusterClock,
        make: ClusterLink.Factory?,
        observe: @escaping ClusterObserver = { _ in }
    ) throws(KubernetesError) {
        try ClusterName.check(namespace: namespace)
        guard let address = ServerAddress(access.server, tlsServerName: access.tlsServerName)
        else { throw access.unusable("\"\(access.server.logSafe)\" is no URL of a server") }
        let isSecret = if case .none = access.login { false } else { true }
        guard address.isTLS || address.isLoopback || !isSecret else {
            throw access.unusable("http:// would show our credentials to everybody on the way")
        }
        do throws(TransportError) {
            link = try ClusterLink(
                access,
                at: address,
                clock: clock,
                make: make ?? ClusterLink.curl(access, at: address)
            )
        } catch {
            throw KubernetesError(
                .configuration,
                what: "There is no way to the API server",
                place: access.origin,
                cause: error
            )
        }
        self.namespace = namespace
        self.retry = retry
        self.clock = clock
        self.observe = observe
    }

    /// The same client with other bounds.
    package func with(retry: ClusterRetry) -> KubernetesClient {
        var client = self
        client.retry = retry
        return client
    }
}

extension ClusterAccess {
    fileprivate func unusable(_ what: String) -> KubernetesError {
        KubernetesError(
            .configuration,
            what: "The API server's address cannot be used: \(what)",
            place: origin,
            remedy: "Write https:// and the host, such as https://10.0.0.1:6443."
        )
    }
}
