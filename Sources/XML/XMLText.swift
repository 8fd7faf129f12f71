// SPDX-License-Identifier: Apache-2.0

/// Writes character data into XML.
package enum XMLText {
    /// `bytes` with everything escaped that XML gives a meaning to, or loses: markup, quotes, line
    /// ends; nil when XML 1.0 cannot hold them (control characters, or not UTF-8).
    package static func escaped(_ bytes: [UInt8]) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += "&#\(scalar.value);"
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": return nil
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
