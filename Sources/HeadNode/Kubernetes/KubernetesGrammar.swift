// SPDX-License-Identifier: Apache-2.0

/// The grammars of Kubernetes' names (apimachinery, `util/validation`).
enum KubernetesGrammar {
    /// RFC 1123: at most 63 lower-case letters, digits and hyphens, no hyphen at either end.
    static let label = TextRule(
        "1 to 63 lower-case letters, digits and hyphens, no hyphen at either end",
        isValid: { isLabel($0[...]) }
    )

    /// Labels joined by dots, at most 253 characters.
    static let subdomain = TextRule(
        "lower-case letters, digits, hyphens and dots, no hyphen or dot at either end",
        isValid: isSubdomain
    )

    /// `name` or `prefix/name`.
    static let labelKey = TextRule(
        "a label's key: letters, digits and - _ . , perhaps after a domain and a slash",
        isValid: isLabelKey
    )

    static let labelValue = TextRule(
        "a label's value: at most 63 letters, digits and - _ . , a letter or digit at either end",
        isValid: LabelValue.isValid
    )

    static let environmentName = TextRule(
        "a variable's name: letters, digits and _ , no digit first",
        isValid: isEnvironmentName
    )

    static let secretKey = TextRule(
        "a key of a Secret: letters, digits and - _ .",
        isValid: { bytes in
            (1...253).contains(bytes.count) && ![".", ".."].contains { bytes == Array($0.utf8) }
                && bytes.allSatisfy(isNameByte)
        }
    )

    /// Any text without a NUL.
    static let text = TextRule(
        "a text of at most 32Ki, without a NUL",
        isValid: { $0.count <= 32 << 10 && !$0.contains(0) }
    )

    static func isLabel(_ bytes: ArraySlice<UInt8>) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return (1...63).contains(bytes.count) && bytes.first != hyphen && bytes.last != hyphen
            && bytes.allSatisfy { ASCII.isLowerOrDigit($0) || $0 == hyphen }
    }

    static func isSubdomain(_ bytes: [UInt8]) -> Bool {
        (1...253).contains(bytes.count)
            && bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
                .allSatisfy(isLabel)
    }

    static func isLabelKey(_ bytes: [UInt8]) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.last, !name.isEmpty,
            LabelValue.isValid(Array(name))
        else { return false }
        return parts.count == 1 || isSubdomain(Array(parts[0]))
    }

    static func isEnvironmentName(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, bytes.count <= 255, !ASCII.isDigit(first)
        else { return false }
        return bytes.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "_")
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-_.".utf8.contains(byte)
    }
}
