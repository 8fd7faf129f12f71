// SPDX-License-Identifier: Apache-2.0

/// A place where credentials may be.
package protocol CredentialsProvider: Sendable {
    /// Looks there now.
    ///
    /// - Throws: `.noCredentials` with the reason when there is something that cannot be used: the
    ///   search ends there, because going on could end with somebody else's rights.
    func find() async throws(S3Error) -> CredentialsFinding
}

/// What one place had.
package enum CredentialsFinding: Sendable {
    case found(Credentials)
    /// Nothing is there; the text says what was looked for.
    case absent(String)
}

/// Credentials that never change, given by the caller.
package struct FixedCredentials: CredentialsProvider {
    package let credentials: Credentials

    package init(_ credentials: Credentials) { self.credentials = credentials }

    package func find() async throws(S3Error) -> CredentialsFinding { .found(credentials) }
}
