// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What signs requests.
package struct Credentials: Sendable, Equatable {
    /// Not secret: it may be shown, shortened.
    package let accessKeyID: String
    package let secretKey: Redacted<String>
    package let sessionToken: Redacted<String>?
    /// When the store stops accepting them; nil for a key that stays.
    package let expires: Timestamp?
    /// Where they came from, for messages, such as `environment`.
    package let source: String
    /// The files they were read from: when one of them changes, they are read again.
    package let files: [FileSighting]

    package init(
        accessKeyID: String,
        secretKey: Redacted<String>,
        sessionToken: Redacted<String>? = nil,
        expires: Timestamp? = nil,
        source: String = "given",
        files: [FileSighting] = []
    ) {
        self.accessKeyID = accessKeyID
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.expires = expires
        self.source = source
        self.files = files
    }

    /// Whether these sign as `other` do, wherever they are from.
    package func signLike(_ other: Credentials) -> Bool {
        accessKeyID == other.accessKeyID && secretKey == other.secretKey
            && sessionToken == other.sessionToken
    }

    /// Whether the store may stop accepting them: a key that stays has neither token nor end.
    package var mayExpire: Bool { sessionToken != nil || expires != nil }

    /// The access key for a message: `AKIA…7Q`.
    package var shortKeyID: String {
        accessKeyID.utf8.count <= 8
            ? accessKeyID.logSafe
            : String(accessKeyID.prefix(4)).logSafe + "…" + String(accessKeyID.suffix(2)).logSafe
    }
}
