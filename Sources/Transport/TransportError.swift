// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Why there is no complete response.
package struct TransportError: ExplainedError {
    package enum Code: String, Sendable {
        /// The host's name could not be resolved.
        case unresolved
        /// No connection: refused, unreachable or not made in time. Nothing was sent.
        case unreachable
        /// The connection broke, or went silent, after the request may have been sent.
        case interrupted
        /// The body was shorter or longer than the response said.
        case truncated
        /// The server's certificate is not trusted, or TLS could not be agreed on.
        case untrusted
        /// The server answered in the clear where TLS was asked for.
        case noTLS
        /// A proxy refused.
        case proxy
        /// The request's body could not be read.
        case bodySource
        /// The response's body could not be taken.
        case bodySink
        /// The task was cancelled.
        case cancelled
        /// The URL or an option cannot be used.
        case usage
    }

    package let code: Code
    package let what: String
    package let place: String
    package let remedy: String
    package let cause: (any Error)?

    package init(
        _ code: Code,
        what: String,
        place: String = "",
        remedy: String = "",
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.what = what
        self.place = place
        self.remedy = remedy
        self.cause = cause
    }

    package var codeName: String { code.rawValue }

    /// Whether sending the same request again may help.
    package var isRetryable: Bool {
        switch code {
        case .unresolved, .unreachable, .interrupted, .truncated: true
        case .untrusted, .noTLS, .proxy, .bodySource, .bodySink, .cancelled, .usage: false
        }
    }

    /// Whether the server can have acted on the request although there is no answer.
    package var isAmbiguous: Bool { code == .interrupted || code == .truncated }
}
