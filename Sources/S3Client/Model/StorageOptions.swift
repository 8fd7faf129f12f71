// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Everything about a bucket that a configuration says. Never a secret.
package struct StorageOptions: Sendable, Equatable {
    /// When checksum headers are sent and asked for (AWS SDKs call it `request_checksum_calculation`).
    package enum ChecksumMode: String, Sendable {
        /// CRC64NVME with every body.
        case whenSupported = "when_supported"
        /// None: for stores that refuse the headers. Length, and what callers expect, are checked
        /// all the same.
        case whenRequired = "when_required"
    }

    /// Who encrypts what is stored.
    package enum Encryption: String, Sendable {
        /// SSE-S3: the store does, with its own keys.
        case aes256 = "AES256"
    }

    package let endpoint: S3Endpoint
    package let region: String
    package let checksums: ChecksumMode
    package let encryption: Encryption?
    /// A file of PEM certificates trusted instead of the system's. The transport reads it.
    package let caFile: String?
    /// A proxy's URL, which can hold a password. The transport uses it.
    package let proxy: Redacted<String>?

    /// - Throws: `.configuration` when the region cannot be one.
    package init(
        endpoint: S3Endpoint,
        region: String,
        checksums: ChecksumMode = .whenSupported,
        encryption: Encryption? = nil,
        caFile: String? = nil,
        proxy: Redacted<String>? = nil
    ) throws(S3Error) {
        guard Self.isRegion(region) else {
            throw .configuration(
                "Cannot use the region \"\(region.logSafe)\": a region is letters, digits and hyphens",
                remedy: "Write it as the store has it, such as eu-central-1."
            )
        }
        self.endpoint = endpoint
        self.region = region
        self.checksums = checksums
        self.encryption = encryption
        self.caFile = caFile
        self.proxy = proxy
    }

    /// Whether `text` can be a region's name.
    static func isRegion(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) && $0 >= 65
            }
    }
}
