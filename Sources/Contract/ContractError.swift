// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// A document or a value of the contract that cannot be accepted.
package struct ContractError: ExplainedError {
    package enum Code: String, Sendable {
        /// A value breaks its grammar.
        case badValue = "bad-value"
        /// The document is not what it should be.
        case malformed
        /// The document is of a version this program does not speak.
        case version
        /// The document's SHA-256 is not the promised one.
        case digest
        /// The document speaks of another run or attempt.
        case foreign
    }

    package let code: Code
    package let what: String
    package let remedy: String
    package let cause: (any Error)?

    package init(
        _ code: Code,
        what: String,
        remedy: String = "",
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.what = what
        self.remedy = remedy
        self.cause = cause
    }

    package var codeName: String { code.rawValue }

    static func badValue(
        _ name: String,
        _ text: String,
        _ expected: String
    ) -> ContractError {
        let shown = text.utf8.prefix(80).logSafe
        return ContractError(.badValue, what: "\"\(shown)\" is no \(name): \(expected)")
    }
}
