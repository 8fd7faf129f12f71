// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// Temporary keys of the role that an EC2 machine has, by version 2 of its metadata service (Amazon
/// EC2 user guide, "Use the Instance Metadata Service"). Version 1, which answers whoever makes the
/// machine fetch a URL, is never used.
///
/// A machine without the service is found out by two requests of a second each at most.
package struct InstanceCredentials: CredentialsProvider {
    private static let attempts = 2
    private static let timeLimit = Duration.seconds(1)
    /// Of the token; it is used at once.
    private static let tokenSeconds = 60
    private static let roles = "/latest/meta-data/iam/security-credentials/"
    private static let disabledVariable = "AWS_EC2_METADATA_DISABLED"
    private static let endpointVariable = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
    private static let modeVariable = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"

    private let environment: [String: String]
    private let open: MetadataTransport
    private let clock: StoreClock

    package init(
        _ environment: [String: String],
        clock: StoreClock = .system,
        open: @escaping MetadataTransport
    ) {
        self.environment = environment
        self.open = open
        self.clock = clock
    }

    package func find() async throws(S3Error) -> CredentialsFinding {
        if isSet(Self.disabledVariable, to: "true") {
            return .absent("instance metadata: switched off by \(Self.disabledVariable)")
        }
        let origin = try origin()
        let service = try MetadataService(open, timeLimit: Self.timeLimit)
        let token: HTTPField
        switch try await self.token(service, origin) {
        case .token(let field): token = field
        case .none(let why): return .absent("instance metadata: \(origin) \(why)")
        }
        let list = try await get(service, origin + Self.roles, token)
        let noRole = "instance metadata: \(origin) knows of no role of this machine"
        guard list.status != 404 else { return .absent(noRole) }
        try check(list, origin)
        guard let role = Self.role(in: list.body) else { return .absent(noRole) }
        let keys = try await get(service, origin + Self.roles + role, token)
        try check(keys, origin)
        return .found(
            try MetadataKeys.credentials(
                in: keys.body,
                of: origin,
                source: "instance metadata at \(origin), role \(role)",
                now: clock.now()
            )
        )
    }

    private enum TokenFinding {
        case token(HTTPField)
        /// There is no such service; the text goes on from its address.
        case none(String)
    }

    private func token(
        _ service: MetadataService,
        _ origin: String
    ) async throws(S3Error) -> TokenFinding {
        let wish = HTTPField("x-aws-ec2-metadata-token-ttl-seconds", String(Self.tokenSeconds))
        var why = ""
        for _ in 1...Self.attempts {
            let answer: MetadataService.Answer
            do throws(TransportError) {
                answer = try await service.ask(.put, origin + "/latest/api/token", [wish])
            } catch {
                guard error.code != .cancelled else {
                    throw S3Error(.cancelled, what: "Cannot ask \(origin): cancelled")
                }
                why = "does not answer (\(error.headline))"
                continue
            }
            switch answer.status {
            case 200:
                let token = ConfigText.trimmed(answer.body[...])
                guard (1...4096).contains(token.count),
                    token.allSatisfy({ (0x21...0x7E).contains($0) })
                else { return .none("gives no token; version 1 is not used") }
                return .token(
                    HTTPField("x-aws-ec2-metadata-token", String(decoding: token, as: UTF8.self))
                )
            case _ where answer.isBusy: why = "answers \(answer.status)"
            default: return .none("answers \(answer.status) to version 2; version 1 is not used")
            }
        }
        return .none(why)
    }

    /// A GET that is tried twice.
    private func get(
        _ service: MetadataService,
        _ url: String,
        _ token: HTTPField
    ) async throws(S3Error) -> MetadataService.Answer {
        var attempt = 1
        while true {
            do throws(TransportError) {
                let answer = try await service.ask(.get, url, [token])
                if !answer.isBusy || attempt == Self.attempts { return answer }
            } catch {
                guard error.isRetryable, attempt < Self.attempts else {
                    throw S3Error(
                        error.credentialsCode,
                        what: "Cannot get credentials from the instance metadata",
                        cause: error
                    )
                }
            }
            attempt += 1
        }
    }

    private func check(
        _ answer: MetadataService.Answer,
        _ origin: String
    ) throws(S3Error) {
        guard answer.status != 200 else { return }
        throw S3Error(
            answer.isBusy ? .unavailable : .noCredentials,
            what: "Cannot get credentials from the instance metadata at \(origin): it answers "
                + "\(answer.status)",
            remedy: "Check the role of this machine, or set \(Self.disabledVariable)=true."
        )
    }

    /// The first line of the list, encoded for a path.
    private static func role(in list: [UInt8]) -> String? {
        let line = list.split(separator: UInt8(ascii: "\n")).first ?? []
        let name = ConfigText.trimmed(line)
        return (1...128).contains(name.count) ? PercentEncoding.encode(name) : nil
    }

    private func origin() throws(S3Error) -> String {
        guard let text = environment[Self.endpointVariable], !text.isEmpty else {
            return isSet(Self.modeVariable, to: "ipv6")
                ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
        }
        do throws(S3Error) { return try S3EndpointText(text).origin } catch {
            throw .configuration(
                "Cannot use \(Self.endpointVariable): \(error.what)",
                remedy: "Write http://host or http://host:port."
            )
        }
    }

    /// Whether a variable says `word`, in any case.
    private func isSet(_ name: String, to word: String) -> Bool {
        (environment[name] ?? "").utf8.map { $0 | 0x20 }.elementsEqual(word.utf8.map { $0 | 0x20 })
    }
}
