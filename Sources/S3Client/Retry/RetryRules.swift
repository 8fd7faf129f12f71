// SPDX-License-Identifier: Apache-2.0

import Transport

/// Decides what an attempt's failure means. Pure; every row of the answer table is a line here.
enum RetryRules {
    enum Verdict: Equatable {
        /// Try again after a pause, at least `floor`.
        case retry(Kind, floor: Duration?)
        /// Correct the clock by the store's `date`, then try again at once.
        case correctClock(Timestamp)
        /// Forget the credentials, load them again, then try again at once.
        case reloadCredentials
        /// Sign for this region, then try again at once.
        case changeRegion(String)
        /// Never again.
        case permanent(S3Error.Code)
    }

    enum Kind: String, Equatable {
        /// Trouble that passes.
        case transient
        /// The store asks for fewer requests.
        case throttle
        /// What arrived is not what was sent. A few times only: then something is broken.
        case mismatch
    }

    /// Corrections that one request has had: each is made once, that of the clock once before each pause.
    struct Corrections: OptionSet, Sendable {
        let rawValue: Int

        static let clock = Corrections(rawValue: 1)
        static let credentials = Corrections(rawValue: 2)
        static let region = Corrections(rawValue: 4)
    }

    /// A clock that is further off than this is corrected. AWS refuses at 15 minutes.
    static let tolerableSkewSeconds: Int64 = 300

    /// - Parameters:
    ///   - now: this machine's time, with the correction known so far.
    ///   - had: corrections this request has had already.
    static func verdict(
        on failure: AttemptFailure,
        had: Corrections,
        now: Timestamp
    ) -> Verdict {
        switch failure {
        case .transport(let error): verdict(on: error)
        case .answer(let answer): verdict(on: answer, had: had, now: now)
        case .errorInSuccess(let error):
            .retry(throttles.contains(error.code) ? .throttle : .transient, floor: nil)
        case .unreadable: .retry(.transient, floor: nil)
        case .credentials(let error):
            error.isRetryable ? .retry(.transient, floor: nil) : .permanent(error.code)
        case .final(let error): .permanent(error.code)
        }
    }

    private static func verdict(on error: TransportError) -> Verdict {
        switch error.code {
        case .unresolved, .unreachable, .interrupted, .truncated: .retry(.transient, floor: nil)
        case .untrusted: .permanent(.untrusted)
        case .proxy: .permanent(.unreachable)
        case .bodySource: .permanent(.source)
        case .bodySink: .permanent(.sink)
        case .cancelled: .permanent(.cancelled)
        case .noTLS, .usage: .permanent(.configuration)
        }
    }

    private static func verdict(
        on answer: ErrorAnswer,
        had: Corrections,
        now: Timestamp
    ) -> Verdict {
        if let correction = correction(for: answer, had: had, now: now) { return correction }
        if throttles.contains(answer.code) || answer.status == 429 {
            return .retry(.throttle, floor: answer.retryAfter)
        }
        if answer.isDamage { return .retry(.mismatch, floor: answer.retryAfter) }
        switch answer.code {
        case "RequestTimeout", "InternalError", "ServiceUnavailable", "PriorRequestNotComplete",
            "ConditionalRequestConflict", "OperationAborted":
            return .retry(.transient, floor: answer.retryAfter)
        case "QuotaExceeded", "EntityTooLarge": return .permanent(.refused)
        case "RequestTimeTooSkewed": return .permanent(.clockSkew)
        case "NoSuchBucket": return .permanent(.noSuchBucket)
        case "NoSuchUpload": return .permanent(.noSuchUpload)
        case "NoSuchKey": return .permanent(.noSuchKey)
        default: break
        }
        switch answer.status {
        case 408, 500, 502, 503, 504, 509:
            return .retry(.transient, floor: answer.retryAfter)
        case 401, 403: return .permanent(.accessDenied)
        case 404: return .permanent(.noSuchKey)
        case 412: return .permanent(.preconditionFailed)
        default: return .permanent(answer.status < 400 ? .badAnswer : .refused)
        }
    }

    /// What can be put right once: the clock, the credentials or the region.
    private static func correction(
        for answer: ErrorAnswer,
        had: Corrections,
        now: Timestamp
    ) -> Verdict? {
        if !had.contains(.clock), let date = answer.date {
            let isFarOff = abs(date.seconds - now.seconds) > tolerableSkewSeconds
            if answer.code == "RequestTimeTooSkewed" || (answer.status == 403 && isFarOff) {
                return .correctClock(date)
            }
        }
        if staleCredentials.contains(answer.code) {
            return had.contains(.credentials)
                ? .permanent(.accessDenied) : .reloadCredentials
        }
        let saysRegion =
            [301, 307, 308].contains(answer.status)
            || ["AuthorizationHeaderMalformed", "IllegalLocationConstraintException"]
                .contains(answer.code)
        // A HEAD's 400 has no body to say more.
        let saysNothing = answer.status == 400 && answer.code.isEmpty
        if !had.contains(.region), saysRegion || saysNothing, let region = answer.region,
            StorageOptions.isRegion(region)
        {
            return .changeRegion(region)
        }
        // AWS answers so to a HEAD whose credentials have expired. A key that stays has not.
        let mayHaveExpired = saysNothing && answer.foreignText == nil
        if mayHaveExpired, answer.signer?.mayExpire == true, !had.contains(.credentials) {
            return .reloadCredentials
        }
        return nil
    }

    private static let staleCredentials: Set<String> = [
        "ExpiredToken", "ExpiredTokenException", "InvalidToken", "RequestExpired",
        "TokenRefreshRequired",
    ]

    /// As botocore has them, and what other stores say.
    private static let throttles: Set<String> = [
        "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException",
        "ThrottledException", "RequestThrottled", "RequestThrottledException",
        "TooManyRequestsException", "TooManyRequests", "RequestLimitExceeded",
        "BandwidthLimitExceeded", "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException", "EC2ThrottledException",
    ]
}

extension RetryRules.Verdict {
    /// The verdict as a word, for counting.
    var name: String {
        switch self {
        case .retry(let kind, _): kind.rawValue
        case .correctClock, .reloadCredentials, .changeRegion: "correction"
        case .permanent(let code): code.rawValue
        }
    }
}
