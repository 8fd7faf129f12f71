// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Keys in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
package struct EnvironmentCredentials: CredentialsProvider {
    private let environment: [String: String]

    package init(_ environment: [String: String]) { self.environment = environment }

    package func find() async throws(S3Error) -> CredentialsFinding {
        let id = value("AWS_ACCESS_KEY_ID")
        let secret = value("AWS_SECRET_ACCESS_KEY")
        switch (id, secret) {
        case (nil, nil): return .absent("environment: AWS_ACCESS_KEY_ID is not set")
        case (.some, nil): throw half("AWS_SECRET_ACCESS_KEY")
        case (nil, .some): throw half("AWS_ACCESS_KEY_ID")
        case (.some(let id), .some(let secret)):
            return .found(
                try Credentials(
                    checking: id,
                    secret: secret,
                    token: value("AWS_SESSION_TOKEN"),
                    source: "environment"
                )
            )
        }
    }

    private func value(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func half(_ missing: String) -> S3Error {
        S3Error(
            .noCredentials,
            what: "Cannot use the credentials in the environment: \(missing) is not set",
            remedy: "Set \(missing), or unset the other."
        )
    }
}

extension Credentials {
    /// Takes keys as people paste them: blanks and line ends around them are dropped, anything else
    /// that no key has is refused.
    init(
        checking id: String,
        secret: String,
        token: String?,
        expires: Timestamp? = nil,
        source: String,
        files: [FileSighting] = []
    ) throws(S3Error) {
        func refuse(_ which: String) -> S3Error {
            S3Error(
                .noCredentials,
                what: "Cannot use the credentials of \(source): the \(which) holds a quote, a "
                    + "blank or another character that no key has",
                remedy: "Copy it again, without quotes."
            )
        }
        let id = Self.trimmed(id)
        let secret = Self.trimmed(secret)
        let token = token.map(Self.trimmed)
        guard Self.isPlain(id) else { throw refuse("access key") }
        guard Self.isPlain(secret) else { throw refuse("secret key") }
        guard token.map(Self.isPlain) ?? true else { throw refuse("session token") }
        // AWS names temporary keys so; without their token nothing they sign is accepted.
        guard token != nil || !id.starts(with: "ASIA".utf8) else {
            throw S3Error(
                .noCredentials,
                what: "Cannot use the credentials of \(source): a temporary access key (ASIA…) "
                    + "needs its session token",
                remedy: "Set the session token too."
            )
        }
        self.init(
            accessKeyID: String(decoding: id, as: UTF8.self),
            secretKey: Redacted(String(decoding: secret, as: UTF8.self)),
            sessionToken: token.map { Redacted(String(decoding: $0, as: UTF8.self)) },
            expires: expires,
            source: source,
            files: files
        )
    }

    private static func trimmed(_ text: String) -> [UInt8] {
        ConfigText.trimmed(Array(text.utf8)[...])
    }

    private static func isPlain(_ bytes: [UInt8]) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy {
                $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'")
            }
    }
}
