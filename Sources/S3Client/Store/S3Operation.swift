// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// One kind of request, by its name in the Amazon S3 API reference.
enum S3Operation: String, Sendable {
    case headObject = "HeadObject"
    case getObject = "GetObject"
    case putObject = "PutObject"
    case copyObject = "CopyObject"
    case listObjects = "ListObjectsV2"
    case listUploads = "ListMultipartUploads"
    case deleteObject = "DeleteObject"
    case deleteObjects = "DeleteObjects"
    case createMultipart = "CreateMultipartUpload"
    case uploadPart = "UploadPart"
    case copyPart = "UploadPartCopy"
    case completeMultipart = "CompleteMultipartUpload"
    case abortMultipart = "AbortMultipartUpload"

    /// What a person would call it.
    var verb: String {
        switch self {
        case .headObject: "look up"
        case .getObject: "get"
        case .putObject: "put"
        case .copyObject: "copy to"
        case .listObjects: "list"
        case .listUploads: "list the uploads to"
        case .deleteObject, .deleteObjects: "delete"
        case .createMultipart: "begin the upload of"
        case .uploadPart: "upload a part of"
        case .copyPart: "copy a part of"
        case .completeMultipart: "complete the upload of"
        case .abortMultipart: "abort the upload of"
        }
    }

    /// Whether the bytes of objects are read or written, or made ready to be.
    var touchesBytes: Bool {
        switch self {
        case .headObject, .listObjects, .listUploads, .deleteObject, .deleteObjects,
            .abortMultipart:
            false
        case .getObject, .putObject, .copyObject, .copyPart, .createMultipart, .uploadPart,
            .completeMultipart:
            true
        }
    }

    /// The action a policy must allow.
    var action: String {
        switch self {
        case .headObject, .getObject: "s3:GetObject"
        case .listObjects: "s3:ListBucket"
        case .listUploads: "s3:ListBucketMultipartUploads"
        case .deleteObject, .deleteObjects: "s3:DeleteObject"
        case .abortMultipart: "s3:AbortMultipartUpload"
        case .copyObject, .copyPart: "s3:PutObject and, on the source, s3:GetObject"
        case .putObject, .createMultipart, .uploadPart, .completeMultipart: "s3:PutObject"
        }
    }
}

/// One use of the store: what is done to which object.
struct S3Call: Sendable {
    let operation: S3Operation
    let bucket: String
    /// The key, or the prefix of a listing; empty for the bucket.
    let key: [UInt8]
    /// What is copied.
    var source: [UInt8]?

    /// `s3://bucket/key`, safe to print.
    var location: String { "s3://\(bucket)/" + key.logSafe }
    /// `Cannot put s3://bucket/key`
    var headline: String {
        guard let source else { return "Cannot \(operation.verb) \(location)" }
        return "Cannot copy s3://\(bucket)/\(source.logSafe) to \(location)"
    }
}
