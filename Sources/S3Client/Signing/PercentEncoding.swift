// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding by byte, as Signature Version 4 wants it (RFC 3986, section 2.3: every byte but
/// the unreserved ones becomes `%XX`, upper case).
package enum PercentEncoding {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// The encoded text of `bytes`; a slash stays where `keepingSlashes` says so.
    package static func encode(
        _ bytes: some Sequence<UInt8>,
        keepingSlashes: Bool = false
    ) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            if isUnreserved(byte) || (keepingSlashes && byte == UInt8(ascii: "/")) {
                text.append(byte)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that `encoded` stands for; nil when a `%` is not followed by two digits.
    ///
    /// A `+` becomes a space where `plusIsSpace` says so: listings with `encoding-type=url` use it.
    package static func decode(
        _ encoded: some Collection<UInt8>,
        plusIsSpace: Bool = false
    ) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = encoded[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(value(of:)),
                    let low = rest.popFirst().flatMap(value(of:))
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
            default:
                bytes.append(byte)
            }
        }
        return bytes
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default:
            false
        }
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
