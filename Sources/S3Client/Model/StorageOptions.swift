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

    /// Who encrypts what is stored. Entity tags of objects encrypted by KMS are no MD5 of anything;
    /// nothing here takes one for that.
    package enum Encryption: Sendable, Equatable {
        /// SSE-S3: the store does, with its own keys.
        case aes256
        /// SSE-KMS: the store does, with a key of a key service; nil is the one it has for S3.
        case kms(keyID: String?)
    }

    /// How objects are kept, by the names of S3: those whose objects can be read at once.
    package enum StorageClass: String, Sendable, CaseIterable {
        case standard = "STANDARD"
        case reducedRedundancy = "REDUCED_REDUNDANCY"
        case standardInfrequent = "STANDARD_IA"
        case oneZoneInfrequent = "ONEZONE_IA"
        case intelligentTiering = "INTELLIGENT_TIERING"
        case instantArchive = "GLACIER_IR"
        case outposts = "OUTPOSTS"
        case snow = "SNOW"
    }

    package let endpoint: S3Endpoint
    package let region: String
    package let checksums: ChecksumMode
    package let encryption: Encryption?
    /// Of what is put, copied and uploaded in parts; nil for the bucket's own default.
    package let storageClass: StorageClass?
    /// Whether we pay for the requests and not the bucket's owner.
    package let requesterPays: Bool
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
        storageClass: StorageClass? = nil,
        requesterPays: Bool = false,
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
        self.storageClass = storageClass
        self.requesterPays = requesterPays
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

extension StorageOptions.Encryption {
    /// What a configuration says: `AES256`, or `aws:kms` with or without a key.
    ///
    /// - Throws: `.configuration` for another name, a key without `aws:kms`, or one that no key
    ///   service has: an ID, an ARN or an alias is printable ASCII.
    package init(named name: String, kmsKeyID: String?) throws(S3Error) {
        switch (name, kmsKeyID) {
        case ("AES256", nil): self = .aes256
        case ("aws:kms", let keyID):
            let isPlain = keyID.map { text in
                (1...2048).contains(text.utf8.count)
                    && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            }
            guard isPlain ?? true else {
                throw .configuration(
                    "Cannot use the KMS key \"\((keyID ?? "").logSafe)\": it is no key's name",
                    remedy: "Write its ID, its ARN or alias/NAME."
                )
            }
            self = .kms(keyID: keyID)
        case ("AES256", .some), ("none", .some):
            throw .configuration(
                "Cannot use a KMS key with the encryption \(name)",
                remedy: "Set the encryption to aws:kms, or leave the key out."
            )
        default:
            throw .configuration(
                "Cannot use the encryption \"\(name.logSafe)\"",
                remedy: "Write AES256 or aws:kms."
            )
        }
    }
}
