// SPDX-License-Identifier: Apache-2.0

import Testing

/// One file of the repository: its path below the root, and its lines.
struct SourceFile {
    var path: String
    var lines: [Substring]
    /// What each line does, without its comment and without what stands in its string literals.
    var code: [Substring]

    init(path: String) throws {
        self.init(path: path, text: try #require(try Repository.text(path)))
    }

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = path.hasSuffix(".swift") ? lines.map(Self.code(of:)) : lines
    }

    /// `Staging` for `Sources/Staging/Plans/RootPlan.swift`; `Support` for a file of `Tests/Support`.
    var folder: Substring {
        let parts = path.split(separator: "/")
        return parts.count > 1 ? parts[1] : ""
    }

    private static func code(of line: Substring) -> Substring {
        var code: Substring = ""
        var isInString = false
        var isEscaped = false
        for character in line {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else if character == "\"" {
                    isInString = false
                    code.append(character)
                }
                continue
            }
            code.append(character)
            if character == "\"" { isInString = true }
            if code.hasSuffix("//") { return code.dropLast(2) }
        }
        return code
    }

    /// Whether a comment stands on the line or ends directly above it.
    func hasReason(at index: Int) -> Bool {
        if lines[index].contains(" // ") { return true }
        guard index > 0 else { return false }
        return lines[index - 1].drop { $0 == " " }.hasPrefix("//")
    }
}
