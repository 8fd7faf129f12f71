// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Why the cluster did not do what was asked.
package struct KubernetesError: ExplainedError {
    package enum Code: String, Sendable, CaseIterable {
        /// No answer: the API server cannot be reached. Never means "not there".
        case unreachable
        /// The server answered with trouble of its own (5xx), until retries ran out.
        case unavailable
        /// 429, until retries ran out.
        case busy
        /// The file or the program that gives us credentials does not give any just now.
        case noCredentials = "no-credentials"
        /// 401.
        case unauthenticated
        /// 403, for want of rights.
        case forbidden
        /// 403, because a quota is used up: waiting may help.
        case quota
        /// 404.
        case notFound = "not-found"
        /// 409, an object of this name exists.
        case alreadyExists = "already-exists"
        /// 409, an object of this name is on its way out: the same request may succeed soon.
        case beingDeleted = "being-deleted"
        /// 409, the object is another version now.
        case conflict
        /// 410: what was asked for is too old to be known.
        case expired
        /// A log was asked for, and the container has not begun.
        case notStarted = "not-started"
        /// 422 and other 4xx: the request itself is wrong; the message names the fields.
        case invalid
        /// The server's certificate is not trusted, or ours is not accepted.
        case untrusted
        /// The answer cannot be understood.
        case badAnswer = "bad-answer"
        /// The kubeconfig, or the service account's files, cannot be used.
        case configuration
        case cancelled
    }

    package let code: Code
    package let what: String
    /// Verb, resource, namespace and name; or the file.
    package let place: String
    package let remedy: String
    package let cause: (any Error)?
    /// Whether the server can have done what was asked although no answer says so.
    package let isAmbiguous: Bool
    /// How long the server asks to wait before the same request is made again.
    package let retryAfter: Duration?

    package init(
        _ code: Code,
        what: String,
        place: String = "",
        remedy: String = "",
        cause: (any Error)? = nil,
        isAmbiguous: Bool = false,
        retryAfter: Duration? = nil
    ) {
        self.code = code
        self.what = what
        self.place = place
        self.remedy = remedy
        self.cause = cause
        self.isAmbiguous = isAmbiguous
        self.retryAfter = retryAfter
    }

    /// The same, where an earlier request can have done what was asked.
    package var ambiguous: KubernetesError {
        KubernetesError(
            code,
            what: what,
            place: place,
            remedy: remedy,
            cause: cause,
            isAmbiguous: true,
            retryAfter: retryAfter
        )
    }

    package var codeName: String { code.rawValue }

    /// Whether the same request may succeed later.
    package var isRetryable: Bool {
        switch code {
        case .unreachable, .unavailable, .busy, .quota, .beingDeleted, .noCredentials, .notStarted:
            true
        default: false
        }
    }
}
