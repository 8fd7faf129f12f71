// SPDX-License-Identifier: Apache-2.0

import Transport

/// Looks in several places, in order, and takes the first credentials there are.
///
/// A place with something broken ends the search. When no place has any, the error lists them all;
/// requests are never sent without a signature instead.
package struct CredentialsChain: CredentialsProvider {
    private let links: [any CredentialsProvider]

    package init(_ links: [any CredentialsProvider]) { self.links = links }

    /// Environment, web identity, shared files: the order of the AWS SDKs.
    package static func standard(
        environment: [String: String],
        region: String,
        transport: any HTTPTransport,
        clock: StoreClock = .system
    ) -> CredentialsChain {
        CredentialsChain([
            EnvironmentCredentials(environment),
            WebIdentityCredentials(
                environment,
                region: region,
                transport: transport,
                clock: clock
            ),
            ProfileCredentials(environment),
        ])
    }

    package func find() async throws(S3Error) -> CredentialsFinding {
        var places: [String] = []
        for link in links {
            switch try await link.find() {
            case .found(let credentials): return .found(credentials)
            case .absent(let why): places.append(why)
            }
        }
        throw .noCredentials(places)
    }
}
