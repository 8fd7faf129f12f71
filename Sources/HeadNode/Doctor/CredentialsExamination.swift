// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import S3Client

/// Says which credentials were found, where, and how long they last.
struct CredentialsExamination: Sendable {
    let found: Credentials
    /// Whether workers get them once, at their start.
    let isHandedOver: Bool
    let now: Timestamp

    func run() -> DoctorFinding {
        let what = "access key \(found.shortKeyID) from \(found.source)"
        guard let expires = found.expires else { return .ok("credentials", what) }
        let end = "\(what), until \(expires.text) (\(Self.text(expires.seconds - now.seconds)))"
        guard isHandedOver else { return .ok("credentials", "\(end); they are renewed") }
        return .ok(
            "credentials",
            "\(end); they are renewed, but a local worker keeps those that it starts with"
        )
    }

    /// Such as `5h58m`, `12m` or `40s`.
    private static func text(_ seconds: Int64) -> String {
        switch max(seconds, 0) {
        case let left where left >= 3600: "\(left / 3600)h\(left % 3600 / 60)m"
        case let left where left >= 60: "\(left / 60)m"
        case let left: "\(left)s"
        }
    }
}
