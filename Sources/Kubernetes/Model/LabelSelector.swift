// SPDX-License-Identifier: Apache-2.0

/// Which objects a list or a watch is about: those that have all of these labels.
package struct LabelSelector: Sendable, Hashable {
    /// As the server reads it, not percent-encoded: `a=b,c=d`; empty for everything.
    package let text: String

    /// Objects with these labels, each with this value.
    package init(_ labels: [String: String]) {
        text = labels.map { "\($0)=\($1)" }.sorted().joined(separator: ",")
    }

    /// A selector in the server's own language (`a=b,c!=d,e in (f,g),h`).
    package init(text: String) { self.text = text }

    /// Every object in the namespace.
    package static let everything = LabelSelector(text: "")
}
