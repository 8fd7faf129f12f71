// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Transport

/// Makes what speaks to metadata services, when there is something to ask.
package typealias MetadataTransport = @Sendable () throws(TransportError) -> any HTTPTransport

/// A service beside a machine or a container that hands out temporary keys as JSON.
///
/// It is spoken to directly, because a proxy would ask its own machine's, and in short words: each
/// request has its time and there are few of them, so whoever has no such service hears it soon.
package struct MetadataService: Sendable {
    private static let longestAnswer = 64 << 10

    /// An answer, whatever its status.
    struct Answer {
        let status: Int
        let body: [UInt8]

        /// Whether the service is there, and in trouble that passes.
        var isBusy: Bool { status >= 500 || status == 429 }
    }

    private let transport: any HTTPTransport
    private let timeLimit: Duration

    /// - Parameter timeLimit: of each request, connecting included.
    init(_ open: MetadataTransport, timeLimit: Duration) throws(S3Error) {
        do throws(TransportError) { transport = try open() } catch {
            throw .withoutHTTP(error)
        }
        self.timeLimit = timeLimit
    }

    /// How such services are reached, whatever the environment says of proxies.
    package static func transportOptions(
        trust: CurlTransport.Options.Trust
    ) -> CurlTransport.Options {
        var options = CurlTransport.Options()
        options.proxy = Redacted("")
        options.connectTimeout = .seconds(1)
        options.trust = trust
        return options
    }

    /// Sends one request, once.
    func ask(
        _ method: HTTPRequest.Method,
        _ url: String,
        _ fields: [HTTPField]
    ) async throws(TransportError) -> Answer {
        var request = HTTPRequest(method, url, fields: fields)
        request.timeLimit = timeLimit
        let sink = MemorySink(limit: Self.longestAnswer)
        let response = try await transport.send(request, to: sink)
        return Answer(
            status: response.head.status,
            body: response.head.isSuccess ? sink.bytes : response.errorBody
        )
    }
}

/// Keys as ECS, EKS Pod Identity and EC2 hand them out.
struct MetadataKeys: Decodable {
    /// EC2 alone says so; anything but `Success` is a refusal.
    private var code: String?
    private var id: String?
    private var secret: String?
    private var token: String?
    private var expiration: String?

    private enum CodingKeys: String, CodingKey {
        case code = "Code"
        case id = "AccessKeyId"
        case secret = "SecretAccessKey"
        case token = "Token"
        case expiration = "Expiration"
    }

    /// - Parameters:
    ///   - place: where the answer is from, such as `http://169.254.170.2`.
    ///   - source: where the credentials are from, for messages.
    static func credentials(
        in body: [UInt8],
        of place: String,
        source: String,
        now: Timestamp
    ) throws(S3Error) -> Credentials {
        func odd(_ why: String, _ code: S3Error.Code = .noCredentials) -> S3Error {
            S3Error(code, what: "Cannot use the credentials of \(place): \(why)")
        }
        guard let keys = try? JSONDecoder().decode(MetadataKeys.self, from: Data(body)) else {
            throw odd("the answer is not the JSON it should be")
        }
        if let code = keys.code, !code.utf8.elementsEqual("Success".utf8) {
            throw odd("it says \(String(code.prefix(64)).logSafe)")
        }
        guard let id = keys.id, let secret = keys.secret else {
            throw odd("the answer lacks a part of them")
        }
        let expires = keys.expiration.map { Timestamp(iso8601: $0) }
        if let expires {
            guard let expires else { throw odd("their Expiration is odd") }
            guard expires > now else {
                // The service renews them; it is late.
                throw odd("they expired at \(expires.text), now is \(now.text)", .unavailable)
            }
        }
        return try Credentials(
            checking: id,
            secret: secret,
            token: keys.token,
            expires: expires ?? nil,
            source: source
        )
    }

    /// The code in an answer that is an error, safe to show: the rest could repeat a token.
    static func errorCode(in body: [UInt8]) -> String? {
        struct Problem: Decodable { var code: String? }
        let problem = try? JSONDecoder().decode(Problem.self, from: Data(body))
        return problem?.code.map { String($0.prefix(64)).logSafe }
    }
}
