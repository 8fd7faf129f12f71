// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// Why one attempt at a call did not give what was asked.
enum CallFailure: Error {
    /// There is no complete answer.
    case transport(TransportError)
    /// An answer that is not 2xx.
    case answer(Refusal)
    /// 2xx with a body that cannot be understood; the text says why.
    case unreadable(String)
    /// There is nothing to show the server at the moment.
    case login(KubernetesError)
    /// Already decided: nothing is to be tried again.
    case final(KubernetesError)

    /// Whether the server can have done what was asked.
    var mayHaveHappened: Bool {
        switch self {
        case .transport(let error): error.isAmbiguous || error.code == .cancelled
        case .answer(let refusal): refusal.status >= 500
        case .unreadable: true
        case .login: false
        case .final(let error): error.isAmbiguous
        }
    }

    /// The failure in a few words, for the line about a retry.
    var words: String {
        switch self {
        case .transport(let error): error.headline
        case .answer(let refusal): refusal.words
        case .unreadable(let why): "the answer cannot be read: \(why)"
        case .login(let error), .final(let error): error.headline
        }
    }
}

/// An answer that is not 2xx, as far as it matters.
struct Refusal: Sendable, Equatable {
    let status: Int
    /// nil where the answer is not the API server's.
    let serverStatus: ServerStatus?
    /// How long the server asks to wait; at most a minute.
    let retryAfter: Duration?
    /// The beginning of a body that is no Status, safe to print.
    let foreignText: String

    init(_ response: HTTPResponse) {
        status = response.head.status
        let said = ServerStatus(response.errorBody)
        serverStatus = said
        let seconds =
            response.head["retry-after"].flatMap { Int($0) } ?? said?.details.retryAfterSeconds
        retryAfter = seconds.flatMap { $0 >= 0 ? .seconds(min($0, 60)) : nil }
        foreignText = said == nil ? response.errorBody.prefix(200).logSafe : ""
    }

    /// The server's one word for it; empty where it has none.
    var reason: String { serverStatus?.reason ?? "" }

    /// The server's sentence, safe to print and cut at 2,000 bytes.
    var message: String {
        guard let serverStatus else { return foreignText }
        return serverStatus.message.utf8.prefix(2000).logSafe
    }

    /// `409 AlreadyExists: jobs.batch "a" already exists`.
    var words: String {
        var text = "\(status)"
        if !reason.isEmpty { text += " " + reason.logSafe }
        return message.isEmpty ? text : text + ": " + message
    }

    /// Whether no role gives the right to `call`, as opposed to an admission rule against it.
    func lacksRight(_ call: ClusterCall) -> Bool {
        status == 403 && says(" cannot \(call.verb.rawValue) resource ")
    }

    /// Whether the message has `phrase` in it, byte by byte. For what servers tell apart by words
    /// alone; words that change make an error less exact, not wrong.
    func says(_ phrase: String) -> Bool {
        let bytes = Array((serverStatus?.message ?? "").utf8)
        return bytes.indices.contains { bytes[$0...].starts(with: phrase.utf8) }
    }
}
