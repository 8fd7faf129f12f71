// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// Temporary keys from an endpoint beside the container: that of ECS, of EKS Pod Identity, or
/// another that the environment names (AWS SDKs and tools reference guide, "Container credential
/// provider").
package struct ContainerCredentials: CredentialsProvider {
    private static let attempts = 3
    private static let timeLimit = Duration.seconds(2)
    private static let tokenVariable = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
    private static let tokenFileVariable = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

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
        guard let endpoint = try ContainerEndpoint(environment) else {
            return .absent(
                "container: neither \(ContainerEndpoint.relativeVariable) nor "
                    + "\(ContainerEndpoint.fullVariable) is set"
            )
        }
        let service = try MetadataService(open, timeLimit: Self.timeLimit)
        var attempt = 1
        while true {
            do throws(S3Error) {
                return .found(try await ask(service, endpoint))
            } catch {
                guard error.isRetryable, attempt < Self.attempts else { throw error }
            }
            do { try await clock.sleep(.milliseconds(200 << attempt)) } catch {
                throw S3Error(.cancelled, what: "Cannot ask \(endpoint.origin.logSafe): cancelled")
            }
            attempt += 1
        }
    }

    private func ask(
        _ service: MetadataService,
        _ endpoint: ContainerEndpoint
    ) async throws(S3Error) -> Credentials {
        let what = "Cannot get credentials from \(endpoint.origin.logSafe)"
        var fields = [HTTPField("accept", "application/json")]
        if let token = try token() { fields.append(HTTPField("authorization", token.reveal())) }
        let answer: MetadataService.Answer
        do { answer = try await service.ask(.get, endpoint.url, fields) } catch {
            throw S3Error(error.credentialsCode, what: what, cause: error)
        }
        guard answer.status == 200 else {
            let code = MetadataKeys.errorCode(in: answer.body).map { " \($0)" } ?? ""
            throw S3Error(
                answer.isBusy ? .unavailable : .noCredentials,
                what: "\(what): it answers \(answer.status)\(code)",
                remedy: "Check the role of this task, or the Pod Identity association of this "
                    + "service account."
            )
        }
        return try MetadataKeys.credentials(
            in: answer.body,
            of: endpoint.origin.logSafe,
            source: "the container's endpoint \(endpoint.origin.logSafe)",
            now: clock.now()
        )
    }

    /// What `Authorization` is to say. The file is read each time: Kubernetes renews it.
    private func token() throws(S3Error) -> Redacted<String>? {
        let bytes: [UInt8]
        let place: String
        if let file = value(Self.tokenFileVariable) {
            guard let contents = try SmallFile.read(file) else {
                throw problem("the token file \(file.logSafe) does not exist", "Mount it.")
            }
            bytes = ConfigText.trimmed(contents[...])
            place = file.logSafe
        } else if let text = value(Self.tokenVariable) {
            bytes = ConfigText.trimmed(Array(text.utf8)[...])
            place = Self.tokenVariable
        } else {
            return nil
        }
        guard !bytes.isEmpty, bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw problem(
                "the token in \(place) is empty or holds a character no header has",
                "Renew it."
            )
        }
        return Redacted(String(decoding: bytes, as: UTF8.self))
    }

    private func value(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func problem(_ why: String, _ remedy: String) -> S3Error {
        S3Error(.noCredentials, what: "Cannot use the container's endpoint: \(why)", remedy: remedy)
    }
}

extension TransportError {
    /// What it means for whoever wanted credentials.
    var credentialsCode: S3Error.Code {
        switch code {
        case .untrusted: .untrusted
        case .cancelled: .cancelled
        default: isRetryable ? .unreachable : .noCredentials
        }
    }
}
