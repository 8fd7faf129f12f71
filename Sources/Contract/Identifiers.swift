// SPDX-License-Identifier: Apache-2.0

import Digests
import Names

/// One submission of a Galaxy job: `<galaxy id>-<64 random bits, hex>`.
///
/// Galaxy runs the same job id again after a resubmission, and a reset database starts at 1 again:
/// keys, Job names, labels and Galaxy's external id carry the run, never the job id alone.
package struct RunID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Reads `<galaxy id>-<16 hexadecimal digits>`.
    package init(_ text: String) throws(ContractError) {
        let bytes = Array(text.utf8)
        guard let cut = bytes.lastIndex(of: UInt8(ascii: "-")),
            GalaxyJobID(String(decoding: bytes[..<cut], as: UTF8.self)) != nil,
            bytes.count - cut == 17, bytes[(cut + 1)...].allSatisfy(Grammar.isHexDigit)
        else {
            throw .badValue("run", text, "expected <galaxy id>-<16 hexadecimal digits>")
        }
        description = text
    }

    /// Draws a new run of `job`.
    package init(drawnFor job: GalaxyJobID) {
        description = "\(job)-\(Hex.encode(SecureRandom.bytes(8)))"
    }
}

/// A Galaxy job's id: 1 to 32 lower-case letters and digits. (Galaxy's own are decimal numbers.)
package struct GalaxyJobID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Takes 1 to 32 lower-case letters and digits; nil for anything else.
    package init?(_ text: String) {
        guard (1...32).contains(text.utf8.count), text.utf8.allSatisfy(Grammar.isLowerOrDigit)
        else { return nil }
        description = text
    }
}

/// The name of one Galaxy among those that share a bucket: a DNS label (RFC 1123), so that it fits
/// in Kubernetes' names too, of at most 32 characters.
package struct InstanceName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Takes a DNS label of at most 32 characters.
    package init(_ text: String) throws(ContractError) {
        let bytes = Array(text.utf8)
        let hyphen = UInt8(ascii: "-")
        guard (1...32).contains(bytes.count),
            bytes.allSatisfy({ Grammar.isLowerOrDigit($0) || $0 == hyphen }),
            bytes.first != hyphen, bytes.last != hyphen
        else {
            throw .badValue(
                "instance",
                text,
                "expected 1 to 32 lower-case letters, digits and hyphens, no hyphen at either end"
            )
        }
        description = text
    }
}

/// One start of the worker: `<who>-<8 hexadecimal digits drawn at start>`, where `who` is the pod's
/// uid. The same pod can start a program twice, hence the digits.
package struct AttemptID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Reads `<who>-<8 hexadecimal digits>`.
    package init(_ text: String) throws(ContractError) {
        let bytes = Array(text.utf8)
        guard let cut = bytes.lastIndex(of: UInt8(ascii: "-")), (1...64).contains(cut),
            bytes[..<cut].allSatisfy({ Grammar.isLowerOrDigit($0) || $0 == UInt8(ascii: "-") }),
            bytes.count - cut == 9, bytes[(cut + 1)...].allSatisfy(Grammar.isHexDigit)
        else {
            throw .badValue("attempt", text, "expected <pod uid>-<8 hexadecimal digits>")
        }
        description = text
    }

    /// Draws a new attempt of `who`.
    package init(drawnFor who: String) throws(ContractError) {
        try self.init("\(who)-\(Hex.encode(SecureRandom.bytes(4)))")
    }
}

enum Grammar {
    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
