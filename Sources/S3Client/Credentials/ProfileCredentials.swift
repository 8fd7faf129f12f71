// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Keys in a profile of the shared files. They carry a sighting of both files: who keeps them can
/// see that they have to be read again.
package struct ProfileCredentials: CredentialsProvider {
    private static let notSupported = [
        "credential_process", "sso_session", "sso_start_url", "login_session", "source_profile",
        "credential_source", "web_identity_token_file", "role_arn",
    ]

    private let environment: [String: String]

    package init(_ environment: [String: String]) { self.environment = environment }

    package func find() async throws(S3Error) -> CredentialsFinding {
        // Read each time: whoever renews a temporary key writes it there.
        let config = try SharedConfig.load(environment: environment)
        let properties = config.properties
        let source = "profile \(config.profile.logSafe)"
        let id = properties["aws_access_key_id"]
        let secret = properties["aws_secret_access_key"]
        switch (id, secret) {
        case (nil, nil):
            // Going on without them would end with the rights of this machine, not of the profile.
            for name in Self.notSupported where properties[name] != nil {
                throw S3Error(
                    .noCredentials,
                    what: "Cannot use \(source): \(name) is not supported",
                    remedy: "Give keys, or a role with a web identity token."
                )
            }
            return .absent(config.places.joined(separator: "; "))
        case (.some(let id), .some(let secret)):
            return .found(
                try Credentials(
                    checking: id,
                    secret: secret,
                    token: properties["aws_session_token"],
                    source: source,
                    files: config.files
                )
            )
        default:
            throw S3Error(
                .noCredentials,
                what: "Cannot use \(source): it has half a key",
                remedy: "Set both aws_access_key_id and aws_secret_access_key."
            )
        }
    }
}
