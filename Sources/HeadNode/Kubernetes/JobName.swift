// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests

/// The name of a try's Job: the same for the same try whoever asks, and another for every other.
///
/// `gxy-<instance>-<run>-<try>`, a DNS label (RFC 1123) of at most 63 characters. Read from its
/// end it can be taken apart again, for neither a Galaxy id nor a try's number holds a hyphen; so
/// two tries never share one. A longer name is cut, and ends in the first 10 hexadecimal digits of
/// its SHA-256. No name that was not cut ends so: a try's number has fewer digits.
struct JobName: Hashable, Sendable, CustomStringConvertible {
    static let longest = 63
    private static let digits = 10

    let description: String

    /// A name that was noted; nil for what cannot be one of ours.
    init?(noted text: String) {
        let isName = text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isName, text.utf8.starts(with: "gxy-".utf8), text.utf8.last != UInt8(ascii: "-"),
            text.utf8.count <= Self.longest
        else { return nil }
        description = text
    }

    init(
        _ instance: InstanceName,
        _ id: TryID
    ) {
        precondition((1...999_999).contains(id.number), "tries are few")
        let whole = "gxy-\(instance)-\(id.run)-\(id.number)"
        guard whole.utf8.count > Self.longest else {
            description = whole
            return
        }
        let kept = whole.utf8.prefix(Self.longest - Self.digits - 1)
        let digest = SHA256Digest(of: Array(whole.utf8)).hex.utf8.prefix(Self.digits)
        description = String(decoding: kept + [UInt8(ascii: "-")] + digest, as: UTF8.self)
    }
}
