// SPDX-License-Identifier: Apache-2.0

extension Sequence<UInt8> {
    /// These bytes as text that is safe to print: one line, and no control, direction or invisible
    /// character that could forge a line or hide a name.
    ///
    /// Printable ASCII and well-formed UTF-8 letters stay; anything else becomes `\xNN` or
    /// `\u{N}`, and a backslash becomes two, so that different bytes give different texts.
    package var logSafe: String { shown(doublingBackslashes: true) }

    /// The same of what was made safe before, by somebody who is not trusted: a backslash stays one.
    package var printable: String { shown(doublingBackslashes: false) }

    private func shown(doublingBackslashes: Bool) -> String {
        let bytes = Array(self)
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            if let (scalar, length) = Self.scalar(at: rest) {
                if scalar == "\\", doublingBackslashes {
                    text += "\\\\"
                } else if scalar.isLogSafe {
                    text.unicodeScalars.append(scalar)
                } else if scalar.isASCII {
                    text += "\\x" + hex(first)
                } else {
                    text += "\\u{" + String(scalar.value, radix: 16) + "}"
                }
                rest = rest.dropFirst(length)
            } else {
                text += "\\x" + hex(first)
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// The scalar that starts at the front of `bytes`, if one is encoded there, and its length.
    private static func scalar(at bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
        guard let first = bytes.first else { return nil }
        let length: Int
        switch first {
        case 0..<0x80: length = 1
        case 0xC2..<0xE0: length = 2
        case 0xE0..<0xF0: length = 3
        case 0xF0..<0xF5: length = 4
        default: return nil
        }
        guard bytes.count >= length else { return nil }
        guard let text = String(validating: bytes.prefix(length), as: UTF8.self) else { return nil }
        guard let scalar = text.unicodeScalars.first else { return nil }
        return (scalar, length)
    }

    private func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

extension String {
    /// This text made safe to print on one line.
    package var logSafe: String { utf8.logSafe }

    /// The same of what was made safe before, by somebody who is not trusted.
    package var printable: String { utf8.printable }
}

extension Unicode.Scalar {
    fileprivate var isLogSafe: Bool {
        // Letters and marks that show nothing, such as fillers and variation selectors.
        if properties.isDefaultIgnorableCodePoint { return false }
        return switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        default:
            true
        }
    }
}
