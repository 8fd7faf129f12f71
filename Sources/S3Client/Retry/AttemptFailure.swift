// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// Why one attempt at a request did not give what was asked.
enum AttemptFailure: Error {
    /// There is no complete answer.
    case transport(TransportError)
    /// An answer that is not 2xx.
    case answer(ErrorAnswer)
    /// 2xx, and the body says that it went wrong after all.
    case errorInSuccess(ErrorDocument)
    /// 2xx with a body or a header that cannot be understood; the text says why.
    case unreadable(String)
    /// There was nothing to sign the request with; it was not sent.
    case credentials(S3Error)
    /// Already decided: nothing is to be tried again.
    case final(S3Error)

    /// Whether the store can have done what was asked.
    var isAmbiguous: Bool {
        switch self {
        case .transport(let error): error.isAmbiguous || error.code == .cancelled
        case .answer(let answer): answer.status >= 500
        case .errorInSuccess, .unreadable: true
        case .credentials: false
        case .final(let error): error.isAmbiguous
        }
    }

    /// What the request was signed with that the store turned away.
    var signer: Credentials? {
        guard case .answer(let answer) = self else { return nil }
        return answer.signer
    }

    /// The status of an answer that is not 2xx.
    var status: Int? {
        guard case .answer(let answer) = self else { return nil }
        return answer.status
    }

    /// The store's own word, where it gave one.
    var serverCode: String? {
        switch self {
        case .answer(let answer): answer.code.isEmpty ? nil : answer.code
        case .errorInSuccess(let error): error.code
        case .final(let error), .credentials(let error): error.serverCode
        case .transport, .unreadable: nil
        }
    }
}

/// An answer that is not 2xx, as far as it matters.
struct ErrorAnswer: Sendable, Equatable {
    var status: Int
    /// `NoSuchKey` and the like; empty where the body says nothing.
    var code = ""
    var message = ""
    var requestID: String?
    /// The bucket's region, where the store says that another one was addressed.
    var region: String?
    /// The store's clock.
    var date: Timestamp?
    /// How long the store asks to wait.
    var retryAfter: Duration?
    /// The beginning of a body that is not S3's XML, safe to print.
    var foreignText: String?
    /// What the request was signed with.
    var signer: Credentials?

    init(status: Int, code: String = "") {
        self.status = status
        self.code = code
    }

    init(_ response: HTTPResponse) {
        let head = response.head
        status = head.status
        requestID = head["x-amz-request-id"]
        date = head["date"].flatMap { Timestamp(httpDate: $0) }
        retryAfter = Self.wait(head)
        if let document = ErrorDocument(response.errorBody) {
            code = document.code
            message = document.message
            requestID = requestID ?? document.requestID
            region = document.region
        } else if !response.errorBody.isEmpty {
            foreignText = response.errorBody.prefix(200).logSafe
        }
        region = head["x-amz-bucket-region"] ?? region
    }

    /// `x-amz-retry-after` (milliseconds) or `retry-after` (seconds), at most a minute.
    private static func wait(_ head: HTTPResponseHead) -> Duration? {
        func number(_ name: String) -> Int64? {
            head[name].flatMap { Int64($0) }.flatMap { $0 >= 0 ? min($0, 60_000) : nil }
        }
        if let milliseconds = number("x-amz-retry-after") { return .milliseconds(milliseconds) }
        return number("retry-after").map { .seconds(min($0, 60)) }
    }
}
