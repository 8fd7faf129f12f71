// SPDX-License-Identifier: Apache-2.0

import Testing

/// Something that no Swift file may say, and what to say instead.
struct BanRule: Sendable, CustomTestStringConvertible {
    enum Scope: Sendable {
        case sources
        case everywhere
    }

    /// What is looked for in a line without its comments and its string literals' contents.
    var pattern: String
    var scope = Scope.everywhere
    /// Allowed where a comment on the line, or directly above it, gives the reason.
    var allowsReason = false
    /// Comments count too.
    var includesComments = false
    var instead: String
    /// A line that breaks the rule; it keeps the rule from never finding anything.
    var example: String

    var testDescription: String { pattern }

    func findings(in files: [SourceFile]) throws -> [String] {
        let regex = try Regex(pattern).wordBoundaryKind(.simple)
        return files.filter { scope == .everywhere || $0.path.hasPrefix("Sources/") }
            .filter { !$0.path.hasPrefix("Tests/TidyTests/Ban") }
            .flatMap { file in
                let lines = includesComments ? file.lines : file.code
                return lines.indices
                    .filter { lines[$0].contains(regex) }
                    .filter { !(allowsReason && file.hasReason(at: $0)) }
                    .map { "\(file.path):\($0 + 1): \(instead)" }
            }
    }
}
