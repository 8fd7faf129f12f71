// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import Transport

/// Why a store did not do what was asked, after retries.
package struct S3Error: ExplainedError {
    package enum Code: String, Sendable, CaseIterable {
        /// The store could not be reached or did not answer.
        case unreachable
        /// The store answered, but with trouble of its own (5xx, SlowDown) until retries ran out.
        case unavailable
        /// 403, or credentials that the store does not accept.
        case accessDenied = "access-denied"
        /// No credentials were found, or they could not be had.
        case noCredentials = "no-credentials"
        /// The object is not there.
        case noSuchKey = "no-such-key"
        /// The bucket is not there.
        case noSuchBucket = "no-such-bucket"
        /// The multipart upload is not there.
        case noSuchUpload = "no-such-upload"
        /// 412: somebody else was first, or the object is another one now.
        case preconditionFailed = "precondition-failed"
        /// The bytes received are not the object's: length or checksum differ after retries.
        case corrupted
        /// The store and this machine disagree on the time.
        case clockSkew = "clock-skew"
        /// The server's certificate is not trusted.
        case untrusted
        /// The request is one this store refuses (any other 4xx) or cannot do.
        case refused
        /// The answer cannot be understood.
        case badAnswer = "bad-answer"
        /// The bytes to send could not be read.
        case source
        /// The bytes received could not be put where they belong.
        case sink
        /// The configuration cannot be used.
        case configuration
        /// The task was cancelled.
        case cancelled
    }

    package let code: Code
    package let what: String
    package let place: String
    package let remedy: String
    package let cause: (any Error)?
    /// Whether the store can have done what was asked although no answer says so.
    package let isAmbiguous: Bool
    /// The store's own word, such as `NoSuchKey`, where it gave one.
    package let serverCode: String?

    package init(
        _ code: Code,
        what: String,
        place: String = "",
        remedy: String = "",
        cause: (any Error)? = nil,
        isAmbiguous: Bool = false,
        serverCode: String? = nil
    ) {
        self.code = code
        self.what = what
        self.place = place
        self.remedy = remedy
        self.cause = cause
        self.isAmbiguous = isAmbiguous
        self.serverCode = serverCode
    }

    /// There is no way to a store at all: wrong options, or a machine that is short of threads just now.
    package static func withoutHTTP(_ error: TransportError) -> S3Error {
        let code: Code = error.isRetryable ? .unreachable : .configuration
        return S3Error(code, what: "Cannot set HTTP up", cause: error)
    }

    package var codeName: String { code.rawValue }

    /// Whether a later, new try may succeed: the store was away or busy.
    package var isRetryable: Bool {
        switch code {
        case .unreachable, .unavailable: true
        default: false
        }
    }
}
