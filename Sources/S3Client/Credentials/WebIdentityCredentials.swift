// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport
import XML

/// Temporary keys for a role, in exchange for a token that Kubernetes puts into a file
/// (AssumeRoleWithWebIdentity, AWS STS API reference). `AWS_ROLE_ARN`,
/// `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_SESSION_NAME` say what; `AWS_ENDPOINT_URL_STS` where.
package struct WebIdentityCredentials: CredentialsProvider {
    private static let attempts = 4
    private static let longestAnswer = 1 << 18

    private let environment: [String: String]
    private let region: String
    private let transport: any HTTPTransport
    private let clock: StoreClock
    private let allowHTTP: Bool

    package init(
        _ environment: [String: String],
        region: String,
        transport: any HTTPTransport,
        clock: StoreClock = .system,
        allowHTTP: Bool = false
    ) {
        self.environment = environment
        self.region = region
        self.transport = transport
        self.clock = clock
        self.allowHTTP = allowHTTP
    }

    package func find() async throws(S3Error) -> CredentialsFinding {
        guard let file = value("AWS_WEB_IDENTITY_TOKEN_FILE") else {
            return .absent("web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set")
        }
        guard let role = value("AWS_ROLE_ARN") else {
            throw problem("AWS_ROLE_ARN is not set", "Set it to the role's ARN.")
        }
        let endpoint = try STSEndpoint(
            value("AWS_ENDPOINT_URL_STS") ?? "https://sts.\(region).amazonaws.com",
            allowHTTP: allowHTTP
        )
        var last: S3Error?
        for attempt in 1...Self.attempts {
            // The token is read for each attempt: Kubernetes renews it.
            guard let bytes = try SmallFile.read(file) else {
                throw problem("the token file \(file.logSafe) does not exist", "Mount it.")
            }
            let token = ConfigText.trimmed(bytes[...])
            guard !token.isEmpty else {
                throw problem("the token file \(file.logSafe) is empty", "Mount the token again.")
            }
            do throws(S3Error) {
                return .found(try await assume(role, token, at: endpoint))
            } catch {
                guard error.isRetryable else { throw error }
                last = error
            }
            if attempt < Self.attempts {
                do { try await clock.sleep(.milliseconds(200 << attempt)) } catch {
                    throw S3Error(.cancelled, what: "Cannot assume \(role.logSafe): cancelled")
                }
            }
        }
        throw last ?? problem("\(endpoint.text) does not answer", "")
    }

    private func assume(
        _ role: String,
        _ token: [UInt8],
        at endpoint: STSEndpoint
    ) async throws(S3Error) -> Credentials {
        let form = CanonicalRequest.queryText([
            QueryItem("Action", "AssumeRoleWithWebIdentity"), QueryItem("Version", "2011-06-15"),
            QueryItem("RoleArn", role),
            QueryItem("RoleSessionName", value("AWS_ROLE_SESSION_NAME") ?? "galaxy-s3-executor"),
            QueryItem("WebIdentityToken", token),
        ])
        let request = HTTPRequest(
            .post,
            endpoint.url,
            fields: [HTTPField("content-type", "application/x-www-form-urlencoded")],
            body: .bytes(Array(form.utf8))
        )
        let sink = MemorySink(limit: Self.longestAnswer)
        let response: HTTPResponse
        do { response = try await transport.send(request, to: sink) } catch {
            throw S3Error(
                error.credentialsCode,
                what: "Cannot assume \(role.logSafe) at \(endpoint.text)",
                cause: error
            )
        }
        guard response.head.status == 200 else {
            // An answer of STS can repeat the token: only its code is shown.
            let answer = ErrorAnswer(response)
            let isBusy = answer.status >= 500 || answer.status == 429
            throw S3Error(
                isBusy ? .unavailable : .noCredentials,
                what: "Cannot assume \(role.logSafe) at \(endpoint.text): STS refused",
                place: answer.words,
                remedy: "Let the role trust this service account's token."
            )
        }
        return try credentials(in: sink.bytes, endpoint)
    }

    private func credentials(
        in bytes: [UInt8],
        _ endpoint: STSEndpoint
    ) throws(S3Error) -> Credentials {
        func odd(_ why: String) -> S3Error {
            S3Error(
                .noCredentials,
                what: "Cannot use the answer of \(endpoint.text): \(why)",
                remedy: "Check that AWS_ENDPOINT_URL_STS names an STS."
            )
        }
        let root: XMLElement
        do { root = try XMLReader.parse(bytes) } catch { throw odd("\(error)") }
        guard
            let element = root.child("AssumeRoleWithWebIdentityResult")?.child("Credentials"),
            let id = element.string("AccessKeyId"), let secret = element.string("SecretAccessKey"),
            let token = element.string("SessionToken"), let text = element.string("Expiration")
        else { throw odd("it lacks a part of the credentials") }
        guard let expires = Timestamp(iso8601: text) else { throw odd("its Expiration is odd") }
        guard expires > clock.now() else {
            throw odd("its credentials expired at \(expires.text), now is \(clock.now().text)")
        }
        return try Credentials(
            checking: id,
            secret: secret,
            token: token,
            expires: expires,
            source: "web identity at \(endpoint.text)"
        )
    }

    private func value(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func problem(_ why: String, _ remedy: String) -> S3Error {
        S3Error(.noCredentials, what: "Cannot use the web identity: \(why)", remedy: remedy)
    }
}

/// Where STS is: by the rules of any endpoint, because a token goes there.
struct STSEndpoint {
    let text: String
    var url: String { text + "/" }

    init(_ url: String, allowHTTP: Bool) throws(S3Error) {
        let parsed = try S3EndpointText(url)
        guard parsed.isTLS || parsed.isLoopback || allowHTTP else {
            throw .configuration(
                "Cannot use the STS endpoint \(url.logSafe): http:// would show the token",
                remedy: "Write https://."
            )
        }
        text = parsed.origin
    }
}
