// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What we show the API server beside a client certificate.
package enum ClusterLogin: Sendable {
    case none
    case token(Redacted<String>)
    /// A file that somebody renews: it is read again when some seconds have passed, and at once when
    /// the server does not take what was in it.
    case tokenFile(String)
    /// A program that gives a token or a certificate, and is run again when that ends.
    case program(CredentialProgram)
}

extension ClusterLogin {
    /// Reads it now.
    func read(_ clock: ClusterClock) async throws(KubernetesError) -> ShownCredential {
        switch self {
        case .none: ShownCredential()
        case .token(let token): ShownCredential(token: token)
        case .tokenFile(let path): ShownCredential(token: try Self.token(in: path))
        case .program(let program): try await CredentialProgramRun(program).credential()
        }
    }

    /// - Throws: `.noCredentials`.
    static func token(in path: String) throws(KubernetesError) -> Redacted<String> {
        let bytes: [UInt8]
        do throws(LimitedFile.Failure) { bytes = try LimitedFile.read(path) } catch {
            throw KubernetesError(
                .noCredentials,
                what: "The token file cannot be read: \(error.words)",
                place: path.logSafe,
                remedy: "Mount or write the token there."
            )
        }
        guard let token = bearer(bytes) else {
            throw KubernetesError(
                .noCredentials,
                what: "The token file holds no token",
                place: path.logSafe,
                remedy: "Write the token there, and nothing else."
            )
        }
        return token
    }

    /// The token in `bytes`, white space around it aside; nil if it is none (RFC 6750, section 2.1).
    static func bearer(_ bytes: [UInt8]) -> Redacted<String>? {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
        var rest = bytes[...].drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        guard !rest.isEmpty, rest.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        return Redacted(String(decoding: rest, as: UTF8.self))
    }
}
