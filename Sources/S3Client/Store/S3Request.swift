// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport

/// One request before it is signed.
struct S3Request {
    let call: S3Call
    let method: HTTPRequest.Method
    var key: ObjectKey?
    var query: [QueryItem] = []
    var fields: [HTTPField] = []
    var body: HTTPBody?
    var payload = PayloadHash.empty
    /// How long the store may be silent, where that is longer than for others.
    var silenceLimit: Duration?
    /// Bytes a second that count as silence no more; nil for as many as with others.
    var silenceRate: Int?

    init(_ call: S3Call, _ method: HTTPRequest.Method, _ key: ObjectKey?) {
        self.call = call
        self.method = method
        self.key = key
    }

    /// Gives a store that copies or assembles gigabytes the time to: it says nothing for minutes, or a
    /// blank now and then.
    mutating func allowAssembly(silence: Duration) {
        silenceLimit = silence
        silenceRate = 1
    }

    /// Sends a small body made in memory; it is signed.
    mutating func setBody(_ bytes: [UInt8]) {
        body = HTTPBody.bytes(bytes)
        payload = .digest(SHA256Digest(of: bytes))
    }

    mutating func set(_ name: String, _ value: String?) {
        if let value { fields.append(HTTPField(name, value)) }
    }

    /// Sends what `options` say of the object itself.
    mutating func set(_ options: PutOptions, of storage: StorageOptions) {
        set("content-type", options.contentType)
        for (name, value) in options.metadata.sorted(by: {
            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }) {
            set("x-amz-meta-\(name)", value)
        }
        switch storage.encryption {
        case .aes256: set("x-amz-server-side-encryption", "AES256")
        case .kms(let keyID):
            set("x-amz-server-side-encryption", "aws:kms")
            set("x-amz-server-side-encryption-aws-kms-key-id", keyID)
        case nil: break
        }
        set("x-amz-storage-class", storage.storageClass?.rawValue)
    }

    mutating func set(_ condition: PutCondition?) {
        switch condition {
        case .absent: set("if-none-match", "*")
        case .matches(let eTag): set("if-match", eTag.text)
        case nil: break
        }
    }
}
