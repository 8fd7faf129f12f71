// SPDX-License-Identifier: Apache-2.0

import Transport

/// Decides what an attempt's failure means. Pure; every row of the answer table is a line here.
enum AnswerRules {
    enum Verdict: Equatable {
        /// Try again after a pause, at least `floor`; `giveUp` is what it is when that ends.
        case retry(giveUp: KubernetesError.Code, floor: Duration? = nil)
        /// Try again for as long as a server needs to come to its senses, no longer.
        case retryBriefly(giveUp: KubernetesError.Code)
        /// Read the credentials again, then try again at once.
        case reloadCredentials
        /// Never again.
        case permanent(KubernetesError.Code)
    }

    /// For how long a refusal is not believed. A server that has just started knows neither the roles
    /// nor the accounts yet, and answers 403 or 401 to whom it will know a second later (seen with
    /// 1.20.2).
    static let disbelief: Duration = .seconds(10)

    /// - Parameter hadReload: whether the credentials were read again for this call already.
    static func verdict(
        on failure: CallFailure,
        of call: ClusterCall,
        hadReload: Bool
    ) -> Verdict {
        switch failure {
        case .transport(let error): verdict(on: error)
        case .answer(let refusal): verdict(on: refusal, of: call, hadReload: hadReload)
        case .unreadable: .retry(giveUp: .badAnswer)
        case .login(let error):
            error.isRetryable ? .retry(giveUp: error.code) : .permanent(error.code)
        case .final(let error): .permanent(error.code)
        }
    }

    private static func verdict(on error: TransportError) -> Verdict {
        switch error.code {
        case .unresolved, .unreachable, .interrupted, .truncated: .retry(giveUp: .unreachable)
        case .untrusted: .permanent(.untrusted)
        case .proxy: .permanent(.unreachable)
        case .bodySink: .permanent(.badAnswer)
        case .cancelled: .permanent(.cancelled)
        case .noTLS, .usage, .bodySource: .permanent(.configuration)
        }
    }

    private static func verdict(
        on refusal: Refusal,
        of call: ClusterCall,
        hadReload: Bool
    ) -> Verdict {
        switch refusal.status {
        case 400 where call.subresource == "log" && refusal.says("is waiting to start"),
            400 where call.subresource == "log" && refusal.says("is not available"):
            .permanent(.notStarted)
        case 401: hadReload ? .retryBriefly(giveUp: .unauthenticated) : .reloadCredentials
        case 403 where refusal.lacksRight(call): .retryBriefly(giveUp: .forbidden)
        case 403: .permanent(refusal.says("exceeded quota") ? .quota : .forbidden)
        case 404: .permanent(.notFound)
        case 409: conflict(refusal, call)
        case 410: .permanent(.expired)
        case 408: .retry(giveUp: .unavailable, floor: refusal.retryAfter)
        case 429: .retry(giveUp: .busy, floor: refusal.retryAfter ?? .seconds(1))
        case 500...599: .retry(giveUp: .unavailable, floor: refusal.retryAfter)
        case 400..<500: .permanent(.invalid)
        default: .permanent(.badAnswer)
        }
    }

    private static func conflict(_ refusal: Refusal, _ call: ClusterCall) -> Verdict {
        if refusal.reason == "AlreadyExists" {
            return .permanent(
                refusal.says("object is being deleted") ? .beingDeleted : .alreadyExists
            )
        }
        // What is created has no version to be in conflict with: it is the server's own bookkeeping
        // (a quota that two of its requests changed at once), and passes.
        return call.verb == .create ? .retry(giveUp: .conflict) : .permanent(.conflict)
    }
}
