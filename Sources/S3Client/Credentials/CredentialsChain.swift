// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Transport

/// Looks in several places, in order, and takes the first credentials there are.
///
/// A place with something broken ends the search. When no place has any, the error lists them all;
/// requests are never sent without a signature instead. The place that had some is the only one
/// that is asked from then on: credentials that are gone from it for a moment must not turn into
/// those of somebody else.
package final class CredentialsChain: CredentialsProvider {
    private let links: [any CredentialsProvider]
    /// The number of the place that had some.
    private let chosen = Mutex<Int?>(nil)

    package init(_ links: [any CredentialsProvider]) { self.links = links }

    /// Environment, web identity, shared files, the container's endpoint, the machine's metadata:
    /// the order of the AWS SDKs.
    ///
    /// - Parameters:
    ///   - transport: for the STS of a web identity.
    ///   - metadata: for the last two; made when there is nothing in the first three.
    package static func standard(
        environment: [String: String],
        region: String,
        transport: any HTTPTransport,
        metadata: @escaping MetadataTransport,
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
            ContainerCredentials(environment, clock: clock, open: metadata),
            InstanceCredentials(environment, clock: clock, open: metadata),
        ])
    }

    package func find() async throws(S3Error) -> CredentialsFinding {
        if let number = chosen.withLock({ $0 }) { return try await findAgain(links[number]) }
        var places: [String] = []
        for (number, link) in links.enumerated() {
            switch try await link.find() {
            case .found(let credentials):
                chosen.withLock { $0 = $0 ?? number }
                return .found(credentials)
            case .absent(let why): places.append(why)
            }
        }
        throw .noCredentials(places)
    }

    private func findAgain(
        _ link: any CredentialsProvider
    ) async throws(S3Error) -> CredentialsFinding {
        switch try await link.find() {
        case .found(let credentials): return .found(credentials)
        case .absent(let why):
            // They were there before: whatever took them away may bring them back.
            throw S3Error(
                .unavailable,
                what: "Cannot find the credentials for the store any more",
                place: why,
                remedy: "Put them back where they were."
            )
        }
    }
}
