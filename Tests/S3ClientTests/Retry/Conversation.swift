// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import Synchronization
import TestSupport
import Testing
import Transport

@testable import S3Client

/// A store that talks to a script, in virtual time.
struct Conversation: Sendable {
    let transport: ScriptedTransport
    let clock: VirtualClock
    let budget: RetryBudget
    let store: S3Store
    let events: EventLog

    init(
        policy: RetryPolicy = .standard,
        budget: RetryBudget = RetryBudget(),
        credentials: (any CredentialsProvider)? = nil,
        checksums: StorageOptions.ChecksumMode = .whenSupported,
        clock: VirtualClock = VirtualClock(),
        _ script: @escaping @Sendable (ScriptedTransport.Seen) async -> ScriptedTransport.Reply
    ) throws {
        transport = ScriptedTransport(script)
        self.clock = clock
        self.budget = budget
        let events = EventLog()
        self.events = events
        let keys = Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretKey: Redacted("a-secret-that-must-not-show")
        )
        store = S3Store(
            options: try StorageOptions(
                endpoint: S3Endpoint(
                    url: "https://s3.example.org",
                    bucket: "bucket",
                    region: "us-east-1"
                ),
                region: "us-east-1",
                checksums: checksums
            ),
            credentials: credentials ?? FixedCredentials(keys),
            transport: transport,
            policy: policy,
            budget: budget,
            clock: clock.storeClock,
            observe: { events.add($0) }
        )
    }

    init(
        policy: RetryPolicy = .standard,
        _ replies: ScriptedTransport.Reply...
    ) throws {
        try self.init(policy: policy) { seen in replies[min(seen.number, replies.count) - 1] }
    }

    var requests: [ScriptedTransport.Seen] { transport.requests }
    /// Method and what follows the bucket, such as `PUT k`.
    var lines: [String] {
        requests.map { seen in
            let url = seen.request.url.dropFirst("https://s3.example.org/bucket".count)
            return seen.request.method.rawValue + " " + url.drop { $0 == "/" }
        }
    }
}

final class EventLog: Sendable {
    private let list = Mutex<[StoreEvent]>([])

    func add(_ event: StoreEvent) { list.withLock { $0.append(event) } }

    var all: [StoreEvent] { list.withLock { $0 } }
}

extension ScriptedTransport.Reply {
    static func error(
        _ status: Int,
        _ code: String,
        fields: [HTTPField] = [],
        extra: String = ""
    ) -> Self {
        let text =
            "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>m</Message>"
            + "<RequestId>4F2A</RequestId>\(extra)</Error>"
        return .answer(status: status, fields: fields, body: Array(text.utf8))
    }

    static func xml(_ text: String) -> Self { .answer(status: 200, body: Array(text.utf8)) }

    static let stored = Self.answer(status: 200, fields: [HTTPField("etag", "\"e\"")])

    /// An object of these bytes as GET gives it; HEAD gives its fields.
    static func object(
        _ bytes: [UInt8],
        checksum: CRC64NVME? = nil,
        eTag: String = "\"e\"",
        metadata: [String: String] = [:],
        isHead: Bool = false
    ) -> Self {
        var fields = [
            HTTPField("etag", eTag), HTTPField("content-length", String(bytes.count)),
        ]
        if let checksum { fields.append(HTTPField("x-amz-checksum-crc64nvme", checksum.base64)) }
        for (name, value) in metadata { fields.append(HTTPField("x-amz-meta-\(name)", value)) }
        return .answer(status: 200, fields: fields, body: isHead ? [] : bytes)
    }

    static func range(_ bytes: ArraySlice<UInt8>, of size: Int, eTag: String = "\"e\"") -> Self {
        .answer(
            status: 206,
            fields: rangeFields(bytes.startIndex..<bytes.endIndex, of: size, eTag: eTag),
            body: Array(bytes)
        )
    }

    static func rangeFields(
        _ range: Range<Int>,
        of size: Int,
        eTag: String = "\"e\""
    ) -> [HTTPField] {
        [
            HTTPField("etag", eTag), HTTPField("content-length", String(range.count)),
            HTTPField(
                "content-range",
                "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            ),
        ]
    }
}

/// One kind of use of a store, with the answer that pleases it.
enum Use: String, CaseIterable, Sendable {
    case head, get, put, copy, list, delete, deleteMany, create, part, copyPart, complete, abort

    static let key: ObjectKey = {
        guard let key = try? ObjectKey("k") else { preconditionFailure("k is a key") }
        return key
    }()

    var success: ScriptedTransport.Reply {
        switch self {
        case .head: .object([1, 2, 3], isHead: true)
        case .get: .object([1, 2, 3], checksum: CRC64NVME(of: [1, 2, 3]))
        case .put, .part: .stored
        case .copy: .xml("<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>")
        case .copyPart: .xml("<CopyPartResult><ETag>\"e\"</ETag></CopyPartResult>")
        case .list: .xml("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        case .delete, .abort: .answer(status: 204)
        case .deleteMany: .xml("<DeleteResult/>")
        case .create:
            .xml(
                "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                    + "</InitiateMultipartUploadResult>"
            )
        case .complete:
            .xml(
                "<CompleteMultipartUploadResult><ETag>\"e\"</ETag>"
                    + "</CompleteMultipartUploadResult>"
            )
        }
    }

    /// Whether the answer is an XML document that can hold an error.
    var answersWithXML: Bool {
        switch self {
        case .copy, .copyPart, .list, .deleteMany, .create, .complete: true
        default: false
        }
    }

    func run(on store: any ObjectStore) async throws(S3Error) {
        let key = Self.key
        let id = UploadID("u")
        let options = PutOptions()
        switch self {
        case .head: _ = try await store.head(key)
        case .get:
            _ = try await store.get(
                key,
                range: nil,
                ifMatch: nil,
                expecting: nil,
                to: MemorySink(limit: 1000)
            )
        case .put: _ = try await store.put(key, bytes: [1])
        case .copy:
            _ = try await store.copy(from: key, to: key, sourceIfMatch: nil, options: options)
        case .list:
            _ = try await store.list(prefix: [], delimiter: nil, token: nil, limit: 10)
        case .delete: try await store.delete(key)
        case .deleteMany: try await store.delete([key])
        case .create: _ = try await store.createMultipart(key, options: options)
        case .part:
            _ = try await store.uploadPart(
                key,
                upload: id,
                number: 1,
                body: .bytes([1]),
                checksum: CRC64NVME(of: [1])
            )
        case .copyPart:
            _ = try await store.copyPart(
                key,
                upload: id,
                number: 1,
                from: key,
                range: ByteRange(offset: 0, length: 1),
                sourceIfMatch: nil
            )
        case .complete:
            let part = UploadedPart(number: 1, eTag: ETag("\"e\""), checksum: nil)
            _ = try await store.completeMultipart(
                key,
                upload: id,
                parts: [part],
                checksum: nil,
                condition: nil
            )
        case .abort: try await store.abortMultipart(key, upload: id)
        }
    }
}
