// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// Turns the failure of a request into the error that a person reads. Pure.
struct S3Explanation: Sendable {
    let options: StorageOptions
    let region: String
    /// The access key the request was signed with, shortened; nil where there was none.
    let keyID: String?
    let ours: Timestamp

    func error(
        _ call: S3Call,
        _ failure: AttemptFailure,
        _ code: S3Error.Code,
        _ effort: Effort
    ) -> S3Error {
        // Whoever cancelled knows why; how often it was tried before matters to nobody.
        if code == .cancelled { return .cancelled(call, isAmbiguous: effort.wasAmbiguous) }
        let (why, details, remedy) = words(call, failure, code)
        let attempts = effort.attempts == 1 ? "1 attempt" : "\(effort.attempts) attempts"
        let seconds = effort.elapsed.components.seconds
        let time = seconds > 0 ? ["\(seconds) s"] : []
        var cause: (any Error)?
        if case .transport(let error) = failure { cause = error }
        return S3Error(
            code,
            what: "\(call.headline): \(why)",
            place: (details + [attempts] + time).joined(separator: ", "),
            remedy: remedy,
            cause: cause,
            isAmbiguous: effort.wasAmbiguous,
            serverCode: failure.serverCode
        )
    }

    private typealias Words = (why: String, details: [String], remedy: String)

    private func words(
        _ call: S3Call,
        _ failure: AttemptFailure,
        _ code: S3Error.Code
    ) -> Words {
        switch failure {
        case .transport(let error): words(error)
        case .answer(let answer): words(call, answer, code)
        case .errorInSuccess(let error):
            (
                "the store accepted it and then failed", ["200 with \(error.code.logSafe) inside"],
                "Try again later; if it stays, ask whoever runs \(endpoint)."
            )
        case .unreadable(let reason):
            (
                "the answer cannot be read", [reason],
                "Check that \(endpoint) is an S3 endpoint and no proxy changes its answers."
            )
        case .final(let error), .credentials(let error): (error.what, [error.place], error.remedy)
        }
    }

    private func words(_ error: TransportError) -> Words {
        switch error.code {
        case .unresolved:
            ("the host \(options.endpoint.host.logSafe) is not known", [], endpointRemedy)
        case .unreachable: ("\(endpoint) cannot be reached", [], endpointRemedy)
        case .interrupted, .truncated:
            (
                "the connection to \(endpoint) broke", [],
                "Check the network between this machine and \(endpoint), then try again."
            )
        case .untrusted where error.isMatterOfServer:
            ("TLS with \(endpoint) failed", [], error.remedy)
        case .untrusted:
            (
                "the certificate of \(endpoint) is not trusted", [],
                "Set ca_file to the certificate of the authority that signed it"
                    + (options.caFile.map { " (now \($0.logSafe))" } ?? "") + "."
            )
        case .noTLS:
            (
                "\(endpoint) does not speak TLS at that port", [],
                "Correct the endpoint's port, or write http:// if the store has no https."
            )
        case .proxy:
            ("the proxy refused", [], "Check the proxy setting and what the proxy allows.")
        case .bodySource: ("what is to be sent cannot be read", [], "")
        case .bodySink: ("what was received cannot be stored", [], "")
        case .cancelled: ("cancelled", [], "")
        case .usage: ("the request cannot be made", [], "")
        }
    }

    private func words(_ call: S3Call, _ answer: ErrorAnswer, _ code: S3Error.Code) -> Words {
        var details = [answer.words]
        if let id = answer.requestID { details.append("request \(id.logSafe)") }
        if let text = answer.foreignText { details.append("body \"\(text)\"") }
        let key = keyID.map { " for access key \($0)" } ?? ""
        if answer.foreignText != nil, !code.isAboutService {
            return (
                "\(endpoint) does not answer like an S3 store", details,
                "Set the endpoint to the store's S3 address, not its web page."
            )
        }
        switch answer.code {
        case "SignatureDoesNotMatch":
            return (
                "the secret key is wrong", details,
                "Correct the secret that belongs to access key \(keyID ?? "(none)"); if it is "
                    + "right, see whether a proxy changes requests to \(endpoint)."
            )
        case "InvalidAccessKeyId":
            return (
                "the access key is not known", details,
                "Correct the access key \(keyID ?? "(none)"), or the endpoint: keys belong to one "
                    + "store."
            )
        case "ExpiredToken", "InvalidToken", "RequestExpired", "ExpiredTokenException":
            return (
                "the session token is not valid any more", details,
                "Renew the temporary credentials of access key \(keyID ?? "(none)")."
            )
        case "InvalidObjectState":
            return (
                "the object is archived", details, "Restore it from the archive, then try again."
            )
        default: break
        }
        switch code {
        case .accessDenied where call.operation == .headObject && answer.code.isEmpty:
            // The answer to a HEAD has no body, so the store could not say which of the two it is.
            return (
                "access denied", details,
                "See whether access key \(keyID ?? "(none)") and its secret are right; if they are, "
                    + "allow \(call.operation.action) on \(call.location)."
            )
        case .accessDenied:
            return (
                "access denied", details,
                "Allow \(call.operation.action) on \(call.location)\(key)\(keyService(call))."
            )
        case .noSuchBucket:
            return (
                "there is no such bucket", details,
                "Create \(options.endpoint.bucket) at \(endpoint), or correct the bucket."
            )
        case .noSuchKey: return ("there is no such object", details, "")
        case .noSuchUpload: return ("the upload is not there any more", details, "")
        case .preconditionFailed: return ("its condition does not hold", details, "")
        case .clockSkew:
            let theirs = answer.date.map { ", the store's \($0.text)" } ?? ""
            return (
                "the clocks differ too much", details + ["this machine's \(ours.text)\(theirs)"],
                "Set this machine's clock."
            )
        case .unavailable:
            return (
                "the store is in trouble or too busy", details,
                "Try again later; if it stays, ask whoever runs \(endpoint)."
            )
        case .corrupted:
            return (
                "the bytes were damaged on their way", details,
                "Check the network and whatever sits between this machine and \(endpoint)."
            )
        case .badAnswer:
            let region = answer.region.map { "Set the region to \($0.logSafe)." }
            return (
                "the bucket is elsewhere", details,
                region ?? "Correct the endpoint or the region (now \(self.region))."
            )
        default:
            let said = answer.message.isEmpty ? "" : ": \(answer.message.logSafe)"
            return ("the store refused\(said)", details, "")
        }
    }

    /// Where a key service encrypts, it may be the one that denies.
    private func keyService(_ call: S3Call) -> String {
        guard case .kms = options.encryption, call.operation.touchesBytes else { return "" }
        return ", and kms:GenerateDataKey and kms:Decrypt on the key that encrypts it"
    }

    private var endpoint: String { options.endpoint.text }

    private var endpointRemedy: String {
        "Check the endpoint \(endpoint) and that this machine can reach it."
    }
}

extension S3Error.Code {
    /// Whether a body that is not XML still fits: a gateway before the store may write it.
    fileprivate var isAboutService: Bool { self == .unavailable || self == .preconditionFailed }
}

extension ErrorAnswer {
    /// Whether the store found that the bytes are not those that were sent.
    var isDamage: Bool {
        ["BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "IncompleteBody"]
            .contains(code)
    }

    /// `403 AccessDenied`
    var words: String { code.isEmpty ? "\(status)" : "\(status) \(code.logSafe)" }
}
