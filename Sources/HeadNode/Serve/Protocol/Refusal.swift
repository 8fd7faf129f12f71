// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics

/// Why a request was not carried out, for the plugin.
struct Refusal: Error, Sendable, Equatable {
    /// A stable word: one of those here, or the code of a `HeadError`.
    let code: String
    /// What, where, why, what to do.
    let message: String
    /// Whether the same request may succeed later.
    var isRetryable = false

    /// The line is no request.
    static func malformed(_ why: String) -> Refusal { Refusal(code: "malformed", message: why) }

    static func unknownMethod(_ name: String) -> Refusal {
        Refusal(
            code: "unknown-method",
            message: "There is no method \"\(name.logSafe)\" in protocol \(Hello.currentProtocol)."
        )
    }

    static func unknownField(_ name: String) -> Refusal {
        Refusal(
            code: "unknown-field",
            message: "The request has an unknown field \"\(name.logSafe)\"."
        )
    }

    static let helloFirst = Refusal(
        code: "hello-first",
        message: "The first request must be hello."
    )

    static func wrongProtocol(_ number: Int) -> Refusal {
        Refusal(
            code: "protocol",
            message: "The plugin speaks protocol \(number), this galaxy-head-node speaks"
                + " \(Hello.currentProtocol). Install the plugin and galaxy-head-node of one release."
        )
    }

    static let unknownJob = Refusal(
        code: "unknown-job",
        message: "This job was not submitted here."
    )

    static let notEnded = Refusal(
        code: "not-ended",
        message: "The run has not ended. Cancel it first, or wait for its end."
    )
}

extension Refusal {
    init(_ error: HeadError) {
        self.init(
            code: error.codeName,
            message: error.line,
            isRetryable: error.isRetryable || error.code == .busy
        )
    }

    init(_ error: ConfigError) {
        self.init(code: error.codeName, message: error.lines.joined(separator: "\n"))
    }
}
