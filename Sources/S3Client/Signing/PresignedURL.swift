// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names

/// A URL that lets whoever has it get or put one object, until it expires: a secret, to be shown to
/// nobody but the person who asked for it.
package struct PresignedURL: Sendable, Equatable {
    /// What it is good for.
    package enum Right: String, Sendable {
        case get = "GET"
        case put = "PUT"
    }

    /// How long a URL can be good for (Amazon S3 API reference, "Authenticating requests: using
    /// query parameters"): a second to seven days.
    package static let lifetimes: ClosedRange<Int64> = 1...604_800

    package let url: Redacted<String>
    /// When it ends: after its own time, or with the credentials that signed it.
    package let expires: Timestamp
    /// Whether the credentials end before it would have.
    package let endsEarly: Bool

    /// Signs; nobody is spoken to.
    ///
    /// - Parameters:
    ///   - region: what is signed for.
    ///   - seconds: how long it is to be good for.
    ///   - now: by the store's clock.
    /// - Throws: `.configuration` when it cannot be good for that long.
    package init(
        _ right: Right,
        _ key: ObjectKey,
        of options: StorageOptions,
        region: String,
        credentials: Credentials,
        seconds: Int64,
        now: Timestamp
    ) throws(S3Error) {
        guard Self.lifetimes.contains(seconds) else {
            throw .configuration(
                "Cannot make a URL that is good for \(seconds) s",
                remedy: "Write a time from 1s to 7d."
            )
        }
        let endpoint = options.endpoint
        let path = endpoint.path(key)
        let query = SigV4Signer(credentials: credentials, region: region)
            .presignedQuery(
                method: right.rawValue,
                host: endpoint.hostField,
                path: path,
                query: options.requesterPays ? [QueryItem("x-amz-request-payer", "requester")] : [],
                expiresInSeconds: Int(seconds),
                at: now
            )
        url = Redacted(endpoint.origin + path + "?" + query)
        let end = Timestamp(seconds: now.seconds + seconds)
        expires = credentials.expires.map { min($0, end) } ?? end
        endsEarly = expires < end
    }
}

extension S3Store {
    /// A URL for one object, made with the credentials in use. The object need not be there.
    package func presign(
        _ right: PresignedURL.Right,
        _ key: ObjectKey,
        seconds: Int64
    ) async throws(S3Error) -> PresignedURL {
        try PresignedURL(
            right,
            key,
            of: options,
            region: corrections.region,
            credentials: try await credentials.get(),
            seconds: seconds,
            now: corrections.corrected(clock.now())
        )
    }
}
