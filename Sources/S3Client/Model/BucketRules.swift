// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What a bucket may be called.
enum BucketRules {
    /// Refuses what cannot be a bucket on any store.
    ///
    /// Upper case and `_` pass, for old AWS buckets and other stores; they are addressed by path.
    static func check(_ name: String) throws(S3Error) {
        func refuse(_ why: String, _ remedy: String) -> S3Error {
            .configuration("Cannot use the bucket \(name.logSafe): \(why)", remedy: remedy)
        }
        let bytes = Array(name.utf8)
        if bytes.isEmpty { throw refuse("it has no name", "Set the bucket's name.") }
        if bytes.starts(with: "s3://".utf8) {
            throw refuse("it is a URL", "Write the name alone; the prefix has its own setting.")
        }
        if bytes.starts(with: "arn:".utf8) {
            throw refuse("ARNs are not supported", "Write the bucket's name.")
        }
        if bytes.contains(UInt8(ascii: "/")) {
            throw refuse(
                "it holds a slash",
                "Write the name alone; the prefix has its own setting."
            )
        }
        guard bytes.count >= 3, bytes.count <= 63 else {
            throw refuse("it has \(bytes.count) characters, S3 takes 3 to 63", "Correct the name.")
        }
        guard bytes.allSatisfy(isAllowed) else {
            throw refuse(
                "a name holds letters, digits, dots, hyphens and underscores only",
                "Correct the name."
            )
        }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if parts.contains(where: \.isEmpty) {
            throw refuse("a dot is at its end or next to another", "Correct the name.")
        }
        if parts.count == 4, parts.allSatisfy({ $0.allSatisfy(isDigit) }) {
            throw refuse("it looks like an IP address", "Correct the name.")
        }
    }

    /// Whether the name can be part of a host name.
    static func fitsHostName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        return bytes.allSatisfy {
            isDigit($0) || isLower($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        } && bytes.first != UInt8(ascii: "-") && bytes.last != UInt8(ascii: "-")
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLower(byte | 0x20) && byte >= UInt8(ascii: "A")
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLower(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}
