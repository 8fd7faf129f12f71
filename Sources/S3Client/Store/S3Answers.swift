// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import XML

/// The `<Error>` document (Amazon S3 API reference, "Error responses").
struct ErrorDocument: Sendable, Equatable {
    var code: String
    var message: String
    var region: String?
    var requestID: String?

    init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The error that `bytes` hold; nil when they hold none.
    init?(_ bytes: [UInt8]) {
        guard let root = try? XMLReader.parse(bytes) else { return nil }
        self.init(root)
    }

    init?(_ root: XMLElement) {
        // STS wraps it: <ErrorResponse><Error>.
        let error = root.isCalled("ErrorResponse") ? root.child("Error") : root
        guard let error, error.isCalled("Error"), let code = error.string("Code") else {
            return nil
        }
        self.code = code
        message = error.string("Message") ?? ""
        region = error.string("Region")
        requestID = error.string("RequestId") ?? root.string("RequestId")
    }
}

/// Takes the root of an answer that must be called `name`.
func answerRoot(_ bytes: [UInt8], _ name: StaticString) throws(AttemptFailure) -> XMLElement {
    let root: XMLElement
    do { root = try XMLReader.parse(bytes) } catch { throw .unreadable("\(error)") }
    if root.isCalled(name) { return root }
    // A 200 whose body says otherwise: the work failed after the status had been sent.
    if let error = ErrorDocument(root) { throw .errorInSuccess(error) }
    throw .unreadable("its root is not \(name)")
}

extension UploadID {
    /// Reads `InitiateMultipartUploadResult`.
    init(createAnswer bytes: [UInt8]) throws(AttemptFailure) {
        let root = try answerRoot(bytes, "InitiateMultipartUploadResult")
        guard let id = root.string("UploadId"), !id.isEmpty else {
            throw .unreadable("it has no UploadId")
        }
        self.init(id)
    }
}

extension PutReceipt {
    /// Reads `CompleteMultipartUploadResult`, and the checksum in it that is of the whole object.
    init(completeAnswer bytes: [UInt8]) throws(AttemptFailure) {
        let root = try answerRoot(bytes, "CompleteMultipartUploadResult")
        let isFull = root.string("ChecksumType").map { $0 == "FULL_OBJECT" } ?? true
        let text = isFull ? root.string("ChecksumCRC64NVME") : nil
        self.init(eTag: try ETag(in: root), checksum: text.flatMap { CRC64NVME(base64: $0) })
    }
}

extension ETag {
    /// Reads `CopyObjectResult`.
    init(copyAnswer bytes: [UInt8]) throws(AttemptFailure) {
        self = try ETag(in: answerRoot(bytes, "CopyObjectResult"))
    }

    /// Reads `CopyPartResult`.
    init(copyPartAnswer bytes: [UInt8]) throws(AttemptFailure) {
        self = try ETag(in: answerRoot(bytes, "CopyPartResult"))
    }

    fileprivate init(in root: XMLElement) throws(AttemptFailure) {
        guard let text = root.string("ETag"), !text.isEmpty else {
            throw .unreadable("it has no ETag")
        }
        self.init(text)
    }
}

/// What a multi-object delete left: keys with the store's word for each.
struct DeleteAnswer: Sendable, Equatable {
    struct Leftover: Sendable, Equatable {
        var key: [UInt8]
        var code: String
        var message: String
    }

    var errors: [Leftover]

    /// Reads `DeleteResult`.
    init(_ bytes: [UInt8]) throws(AttemptFailure) {
        let root = try answerRoot(bytes, "DeleteResult")
        errors = root.all("Error")
            .map {
                Leftover(
                    key: $0.bytes("Key") ?? [],
                    code: $0.string("Code") ?? "",
                    message: $0.string("Message") ?? ""
                )
            }
    }
}

/// One page of uploads that are under way, and where the next one begins.
struct UploadPage: Sendable, Equatable {
    struct Marker: Sendable, Hashable {
        var key: [UInt8]
        var upload: String
    }

    var uploads: [OpenUpload]
    /// nil on the last page.
    var next: Marker?

    /// Reads `ListMultipartUploadsResult`.
    init(_ bytes: [UInt8]) throws(AttemptFailure) {
        let root = try answerRoot(bytes, "ListMultipartUploadsResult")
        uploads = []
        for element in root.all("Upload") {
            guard let name = element.bytes("Key"), let key = try? ObjectKey(root.decodedKey(name)),
                let id = element.string("UploadId"), !id.isEmpty
            else { throw .unreadable("an upload in it has no key or no id") }
            let begun = element.string("Initiated").flatMap { Timestamp(iso8601: $0)?.seconds }
            uploads.append(OpenUpload(key: key, id: UploadID(id), begun: begun))
        }
        guard root.bytes("IsTruncated").map({ $0.elementsEqual("true".utf8) }) ?? false else {
            return
        }
        guard let key = root.bytes("NextKeyMarker"), !key.isEmpty else {
            throw .unreadable("it says there is more but not where")
        }
        next = Marker(
            key: try root.decodedKey(key),
            upload: root.string("NextUploadIdMarker") ?? ""
        )
    }
}

extension XMLElement {
    /// A key as a listing has it: percent-decoded when the answer says `EncodingType` url, and only
    /// then.
    fileprivate func decodedKey(_ bytes: [UInt8]) throws(AttemptFailure) -> [UInt8] {
        let isEncoded = string("EncodingType").map { $0.utf8.elementsEqual("url".utf8) } ?? false
        guard isEncoded else { return bytes }
        guard let plain = PercentEncoding.decode(bytes, plusIsSpace: true) else {
            throw .unreadable("a key in it is not percent-encoded as it says")
        }
        return plain
    }
}

extension ListPage {
    /// Reads `ListBucketResult` of ListObjectsV2.
    init(_ bytes: [UInt8]) throws(AttemptFailure) {
        let root = try answerRoot(bytes, "ListBucketResult")
        var entries: [Entry] = []
        for element in root.all("Contents") {
            guard let name = element.bytes("Key"), let key = try? ObjectKey(root.decodedKey(name)),
                let size = element.string("Size").flatMap(Int64.init), size >= 0
            else { throw .unreadable("an entry in it has no key or no size") }
            entries.append(
                Entry(
                    key: key,
                    size: size,
                    eTag: element.string("ETag").map { ETag($0) },
                    lastModified: element.string("LastModified")
                        .flatMap { Timestamp(iso8601: $0)?.seconds }
                )
            )
        }
        var prefixes: [[UInt8]] = []
        for element in root.all("CommonPrefixes") {
            guard let prefix = element.bytes("Prefix") else {
                throw .unreadable("a common prefix in it is empty")
            }
            prefixes.append(try root.decodedKey(prefix))
        }
        let isTruncated = root.bytes("IsTruncated").map { $0.elementsEqual("true".utf8) } ?? false
        let token = root.string("NextContinuationToken")
        if isTruncated, token?.isEmpty ?? true {
            throw .unreadable("it says there is more but not where")
        }
        self.init(
            entries: entries,
            commonPrefixes: prefixes,
            nextToken: isTruncated ? token : nil
        )
    }
}
