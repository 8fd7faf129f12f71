// SPDX-License-Identifier: Apache-2.0

/// An error that a person can act on: what failed, where, and what to do.
///
/// Every error type of this project conforms. The three texts are written once, where the error is
/// made; the line on a terminal, the indented tree in a log and the JSON for Galaxy are rendered
/// from the same fields. None of them may hold a secret.
package protocol ExplainedError: Error, CustomStringConvertible {
    /// A stable word for programs and tests, such as `access-denied`.
    var codeName: String { get }
    /// What failed, in the user's words, without a full stop.
    var what: String { get }
    /// Where: job, file and line, bucket and key. Empty when `what` says it already.
    var place: String { get }
    /// One imperative sentence, or why nothing can be done. Empty when there is nothing to say.
    var remedy: String { get }
    /// Whether the same thing, done again later, may succeed. Decided once, at the source.
    var isRetryable: Bool { get }
    /// What made this happen, kept whole.
    var cause: (any Error)? { get }
}

extension ExplainedError {
    package var place: String { "" }
    package var remedy: String { "" }
    package var isRetryable: Bool { false }
    package var cause: (any Error)? { nil }

    /// The whole error as one line: what, where, why, what to do.
    package var description: String { line }

    /// The whole error as one line: what, where, why, what to do.
    package var line: String {
        var text = headline
        if let cause { text += ": " + Self.headlines(of: cause) }
        // A cause from elsewhere may be a sentence already.
        if let last = text.utf8.last, !".?!".utf8.contains(last) { text += "." }
        let advice = firstRemedy
        if !advice.isEmpty { text += " " + advice }
        return text
    }

    /// The error and its causes, one a line, each indented below what it caused.
    package var tree: String {
        var lines = [headline]
        var next = cause
        var depth = 1
        while let current = next {
            let indent = String(repeating: "  ", count: depth)
            lines.append(indent + "because: " + Self.headline(of: current))
            next = (current as? any ExplainedError)?.cause
            depth += 1
        }
        if !firstRemedy.isEmpty { lines.append("  remedy: " + firstRemedy) }
        return lines.joined(separator: "\n")
    }

    /// `what` and `place`.
    package var headline: String { place.isEmpty ? what : "\(what) (\(place))" }

    /// The first remedy found from here down the causes.
    package var firstRemedy: String {
        if !remedy.isEmpty { return remedy }
        return (cause as? any ExplainedError)?.firstRemedy ?? ""
    }

    /// The first place found from here down the causes.
    package var firstPlace: String {
        if !place.isEmpty { return place }
        return (cause as? any ExplainedError)?.firstPlace ?? ""
    }

    /// The headlines of all causes, the nearest first; empty where there are none.
    package var reason: String { cause.map(Self.headlines) ?? "" }

    private static func headline(of error: any Error) -> String {
        (error as? any ExplainedError)?.headline ?? "\(error)"
    }

    private static func headlines(of error: any Error) -> String {
        guard let explained = error as? any ExplainedError else { return "\(error)" }
        guard let cause = explained.cause else { return explained.headline }
        return explained.headline + ": " + headlines(of: cause)
    }
}
