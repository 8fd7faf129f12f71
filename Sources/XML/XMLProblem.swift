// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a document that is read here.
package struct XMLProblem: Error, Equatable {
    package enum Kind: Sendable {
        case malformed
        case encoding
        case documentType
        case tooLarge
    }

    package let kind: Kind
    /// What is wrong, in words that hold nothing of the document's own text.
    package let reason: String
    /// Where, from 1; nil where no line is to blame.
    package let line: Int?

    init(
        _ kind: Kind,
        _ reason: String,
        line: Int? = nil
    ) {
        self.kind = kind
        self.reason = reason
        self.line = line
    }
}

extension XMLProblem: CustomStringConvertible {
    package var description: String { line.map { "\(reason), at line \($0)" } ?? reason }
}
