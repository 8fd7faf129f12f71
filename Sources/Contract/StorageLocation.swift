// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Where the bucket is and how it is spoken to: what the head tells the worker on its command
/// line, because the worker needs it to read the spec. Never a secret.
package struct StorageLocation: Codable, Sendable, Equatable {
    package var bucket: String
    /// `https://host[:port]`; nil means AWS in `region`.
    package var endpoint: String?
    package var region: String
    /// `auto`, `path` or `virtual`.
    package var addressing: String
    /// `when_supported` or `when_required`.
    package var checksums: String
    /// `AES256` for SSE-S3, `aws:kms` for SSE-KMS; nil for the bucket's own default.
    package var encryption: String?
    /// With `aws:kms`: which key; nil for the one that the key service has for S3.
    package var kmsKeyID: String?
    /// Such as `STANDARD_IA`; nil for the bucket's own default.
    package var storageClass: String?
    /// Whether we pay for the requests and not the bucket's owner; nil says no.
    package var requesterPays: Bool?
    /// Whether `http://` may be used for other machines than this one.
    package var allowHTTP: Bool
    /// PEM certificates to trust in place of the system's.
    package var caPEM: String?

    enum CodingKeys: String, CodingKey {
        case bucket
        case endpoint
        case region
        case addressing
        case checksums
        case encryption
        case kmsKeyID = "kms_key_id"
        case storageClass = "storage_class"
        case requesterPays = "requester_pays"
        case allowHTTP = "allow_http"
        case caPEM = "ca_pem"
    }

    package init(
        bucket: String,
        endpoint: String? = nil,
        region: String = "us-east-1",
        addressing: String = "auto",
        checksums: String = "when_supported",
        encryption: String? = nil,
        kmsKeyID: String? = nil,
        storageClass: String? = nil,
        requesterPays: Bool? = nil,
        allowHTTP: Bool = false,
        caPEM: String? = nil
    ) {
        self.bucket = bucket
        self.endpoint = endpoint
        self.region = region
        self.addressing = addressing
        self.checksums = checksums
        self.encryption = encryption
        self.kmsKeyID = kmsKeyID
        self.storageClass = storageClass
        self.requesterPays = requesterPays
        self.allowHTTP = allowHTTP
        self.caPEM = caPEM
    }

    /// Reads the JSON text of a command line.
    package init(json text: String) throws(ContractError) {
        do {
            self = try JSONDecoder().decode(StorageLocation.self, from: Data(text.utf8))
        } catch {
            throw ContractError(
                .malformed,
                what: "--storage cannot be read: \(JSONProblem.text(for: error))"
            )
        }
    }
}
