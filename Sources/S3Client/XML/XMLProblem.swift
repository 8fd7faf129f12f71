// SPDX-License-Identifier: Apache-2.0

/// Why an answer is not the XML it should be.
struct XMLProblem: Error, Equatable {
    /// What is wrong, in words that hold nothing of the answer's own text.
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
