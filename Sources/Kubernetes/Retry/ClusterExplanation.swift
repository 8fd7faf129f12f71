// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// Makes the error that a caller gets: what, where and what to do. Pure.
struct ClusterExplanation: Sendable {
    /// The server's URL.
    let server: String
    /// Where the way to it was read.
    let origin: String

    func cancelled(_ call: ClusterCall, isAmbiguous: Bool) -> KubernetesError {
        KubernetesError(
            .cancelled,
            what: "Cancelled",
            place: call.words.logSafe,
            isAmbiguous: isAmbiguous
        )
    }

    func error(
        _ call: ClusterCall,
        _ failure: CallFailure,
        _ code: KubernetesError.Code,
        _ effort: CallEffort
    ) -> KubernetesError {
        var words: (what: String, remedy: String)
        var cause: (any Error)?
        var retryAfter: Duration?
        switch failure {
        case .final(let error): return error
        case .login(let error): return error
        case .transport(let error):
            words = self.words(on: error, code)
            cause = error
        case .unreadable(let why): words = ("The answer cannot be read: \(why)", notAServer)
        case .answer(let refusal):
            words = self.words(on: refusal, code, call)
            retryAfter = refusal.retryAfter
        }
        return KubernetesError(
            code,
            what: words.what,
            place: place(call, effort),
            remedy: words.remedy,
            cause: cause,
            isAmbiguous: effort.mayHaveHappened,
            retryAfter: retryAfter
        )
    }

    private func place(_ call: ClusterCall, _ effort: CallEffort) -> String {
        var text = "\(call.words.logSafe) at \(server.logSafe)"
        if effort.attempts > 1 {
            let seconds = effort.elapsed.components.seconds
            text += ", \(effort.attempts) attempts in \(seconds) s"
        }
        return text
    }

    private var notAServer: String {
        "Check that the server in \(origin) is a Kubernetes API server, and no proxy or log-in page."
    }

    private func words(
        on error: TransportError,
        _ code: KubernetesError.Code
    ) -> (what: String, remedy: String) {
        switch code {
        case .cancelled: ("Cancelled", "")
        case .untrusted where error.isMatterOfServer:
            ("TLS with the API server failed", error.remedy)
        case .untrusted:
            (
                "The API server and we do not trust each other",
                "Correct the certificate authority, or the client certificate, in \(origin)."
            )
        case .badAnswer: ("The answer is longer than we read", "")
        case .configuration: ("The way to the API server cannot be used", "Correct \(origin).")
        default:
            (
                "The API server cannot be reached",
                "See whether it runs, and whether \(origin) names it rightly."
            )
        }
    }

    private func words(
        on refusal: Refusal,
        _ code: KubernetesError.Code,
        _ call: ClusterCall
    ) -> (what: String, remedy: String) {
        let said = refusal.words
        return switch code {
        case .busy:
            (
                "The API server asks for fewer requests: \(said)",
                "Wait, or find out who asks so much of it."
            )
        case .unauthenticated:
            (
                "The API server does not accept our credentials: \(said)",
                "Renew the credentials in \(origin)."
            )
        case .forbidden: ("The API server forbids it: \(said)", remedy(for: refusal, call))
        case .quota:
            (
                "A quota of the namespace is used up: \(said)",
                "Wait until other jobs have ended, or raise the quota."
            )
        case .notFound: notFound(refusal, call)
        case .alreadyExists: ("It exists already: \(said)", "")
        case .beingDeleted: ("It is being deleted: \(said)", "Wait until it has gone.")
        case .conflict: ("It has changed meanwhile: \(said)", "")
        case .expired: ("What was asked for is too old to be known: \(said)", "")
        case .notStarted: ("The container has no log yet: \(said)", "")
        case .invalid:
            (
                "The API server refuses the request: \(fields(refusal))",
                "Correct the setting that this comes from."
            )
        case .badAnswer: ("The answer is none of an API server's: \(said)", notAServer)
        default:
            (
                "The API server is in trouble: \(said)",
                "Try again later; if it stays, ask whoever runs the cluster."
            )
        }
    }

    /// Each field that is wrong and why, where the server says so.
    private func fields(_ refusal: Refusal) -> String {
        let causes = (refusal.serverStatus?.details.causes ?? []).prefix(10)
            .compactMap { cause in
                cause.field.map { "\($0.logSafe): \((cause.message ?? "").logSafe)" }
            }
        return causes.isEmpty ? refusal.words : causes.joined(separator: "; ")
    }

    private func remedy(for refusal: Refusal, _ call: ClusterCall) -> String {
        guard refusal.lacksRight(call) else {
            return "A rule of the cluster is against it: change what the words above name."
        }
        let place = call.namespace.map { " in namespace \($0.logSafe)" } ?? ""
        return
            "Add to the Role of this user\(place): apiGroups [\"\(call.kind.group)\"], resources [\"\(call.resource)\"], verbs [\"\(call.verb.rawValue)\"]."
    }

    private func notFound(
        _ refusal: Refusal,
        _ call: ClusterCall
    ) -> (what: String, remedy: String) {
        let kind = refusal.serverStatus?.details.kind ?? ""
        if kind == "namespaces", let namespace = call.namespace?.logSafe {
            return (
                "There is no namespace \"\(namespace)\"",
                "Create it, or name another one."
            )
        }
        if kind == call.kind.plural, call.name != nil {
            return ("It does not exist: \(refusal.words)", "")
        }
        return ("The API server knows no such resource: \(refusal.words)", notAServer)
    }
}
