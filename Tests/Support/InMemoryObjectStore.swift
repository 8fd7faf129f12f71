// SPDX-License-Identifier: Apache-2.0

import Digests
import Glibc
import Names
import S3Client
import Synchronization
import Transport

/// A whole store in memory that keeps every promise of `ObjectStore`: the contract suite runs
/// against it as it runs against servers. A hook can make any call fail, before or after its work.
package final class InMemoryObjectStore: ObjectStore {
    private struct StoredObject {
        var bytes: [UInt8]
        var info: ObjectInfo
        var contentType: String?
    }

    private struct Pending {
        var key: ObjectKey
        var options: PutOptions
        var begun: Int64
        var parts: [Int: (bytes: [UInt8], eTag: ETag)] = [:]
    }

    private struct State {
        var objects: [ObjectKey: StoredObject] = [:]
        var uploads: [UploadID: Pending] = [:]
        var counts: [Call.Kind: Int] = [:]
        var serial = 0
        var calls: [Call] = []
    }

    /// The clock of this store: each change is a second after the one before, counted from the time when
    /// the process looked first.
    package static let firstModified = Int64(time(nil))

    private let state = Mutex(State())
    private let fault: FaultHook
    private let smallestPartBytes: Int
    let confirmsPuts: Bool

    /// - Parameters:
    ///   - smallestPartBytes: parts but the last that are smaller are refused, as by S3.
    ///   - confirmsPuts: whether the answer to a put says the checksum of what is stored.
    package init(
        smallestPartBytes: Int = 5 << 20,
        confirmsPuts: Bool = false,
        fault: @escaping FaultHook = { _ in }
    ) {
        self.fault = fault
        self.confirmsPuts = confirmsPuts
        self.smallestPartBytes = smallestPartBytes
    }

    /// The bytes at `key`.
    package func storedBytes(_ key: ObjectKey) -> [UInt8]? {
        state.withLock { $0.objects[key]?.bytes }
    }

    /// All keys, in byte order.
    package var keys: [ObjectKey] { state.withLock { $0.objects.keys.sorted() } }
    /// Uploads neither completed nor aborted.
    package var openUploads: Int { state.withLock { $0.uploads.count } }
    /// What was called so far, each call once.
    package var calls: [Call] { state.withLock { $0.calls } }

    /// Changes the bytes at `key` behind everybody's back; checksum and entity tag stay.
    package func damage(_ key: ObjectKey, at index: Int, by bits: UInt8 = 0x20) {
        state.withLock { $0.objects[key]?.bytes[index] ^= bits }
    }

    /// Makes it a store that keeps no checksum, as far as what it has by now goes.
    package func forgetChecksums() {
        state.withLock { state in
            for key in state.objects.keys { state.objects[key]?.info.checksum = nil }
        }
    }

    package func url(of key: ObjectKey) -> String { "s3://memory/\(key)" }

    package func head(_ key: ObjectKey) async throws(S3Error) -> ObjectInfo? {
        try await call(.head, key) { state throws(S3Error) in state.objects[key]?.info }
    }

    package func get(
        _ key: ObjectKey,
        range: ByteRange?,
        ifMatch: ETag?,
        expecting: CRC64NVME?,
        to sink: any HTTPBodySink
    ) async throws(S3Error) -> ObjectInfo {
        let (bytes, info) = try await call(.get, key) {
            state throws(S3Error) -> ([UInt8], ObjectInfo) in
            guard let object = state.objects[key] else { throw Self.error(.noSuchKey, "get", key) }
            if let ifMatch, ifMatch != object.info.eTag {
                throw Self.error(.preconditionFailed, "get", key)
            }
            guard let range else { return (object.bytes, object.info) }
            guard range.offset + range.length <= Int64(object.bytes.count) else {
                throw Self.error(.refused, "get", key)
            }
            var info = object.info
            if range.length < info.size { info.checksum = nil }
            let start = Int(range.offset)
            return (Array(object.bytes[start..<(start + Int(range.length))]), info)
        }
        do {
            try sink.begin(HTTPResponseHead(status: range == nil ? 200 : 206, fields: []))
            if !bytes.isEmpty { try bytes.withUnsafeBytes { try sink.write($0) } }
        } catch {
            throw S3Error(.sink, what: "Cannot get \(key): the sink refused", cause: error)
        }
        if let right = expecting ?? info.checksum, right != CRC64NVME(of: bytes) {
            throw Self.error(.corrupted, "get", key)
        }
        return info
    }

    package func put(
        _ key: ObjectKey,
        body: HTTPBody,
        checksum: CRC64NVME,
        options: PutOptions
    ) async throws(S3Error) -> PutReceipt {
        let bytes = try Self.read(body, key)
        guard CRC64NVME(of: bytes) == checksum else { throw Self.error(.corrupted, "put", key) }
        let eTag = try await call(.put, key) { state throws(S3Error) in
            try Self.check(options.condition, &state, key, "put")
            return Self.store(bytes, checksum, at: key, options, in: &state)
        }
        return receipt(eTag, checksum)
    }

    package func copy(
        from source: ObjectKey,
        to target: ObjectKey,
        sourceIfMatch: ETag?,
        options: PutOptions
    ) async throws(S3Error) -> ETag {
        try await call(.copy, target) { state throws(S3Error) in
            let object = try Self.source(source, sourceIfMatch, in: state)
            try Self.check(options.condition, &state, target, "copy to")
            var kept = options
            if options.metadata.isEmpty, options.contentType == nil {
                kept.metadata = object.info.metadata
                kept.contentType = object.contentType
            }
            return Self.store(object.bytes, object.info.checksum, at: target, kept, in: &state)
        }
    }

    package func list(
        prefix: [UInt8],
        delimiter: UInt8?,
        token: String?,
        limit: Int
    ) async throws(S3Error) -> ListPage {
        try await call(.list, nil) { state throws(S3Error) in
            let start = token.flatMap { Base64.decode($0) }
            var page = ListPage(entries: [])
            var last: [UInt8] = []
            for key in state.objects.keys.sorted() where key.hasPrefix(prefix) {
                let rest = key.bytes.dropFirst(prefix.count)
                let group = delimiter.flatMap { rest.firstIndex(of: $0) }
                    .map { Array(key.bytes[...$0]) }
                let item = group ?? key.bytes
                if let start, !start.lexicographicallyPrecedes(item) { continue }
                if group != nil, page.commonPrefixes.last == group { continue }
                if page.entries.count + page.commonPrefixes.count >= limit {
                    page.nextToken = Base64.encode(last)
                    break
                }
                last = item
                if let group {
                    page.commonPrefixes.append(group)
                } else if let info = state.objects[key]?.info {
                    page.entries.append(
                        ListPage.Entry(
                            key: key,
                            size: info.size,
                            eTag: info.eTag,
                            lastModified: info.lastModified
                        )
                    )
                }
            }
            return page
        }
    }

    package func delete(_ key: ObjectKey) async throws(S3Error) {
        try await call(.delete, key) { state throws(S3Error) in state.objects[key] = nil }
    }

    package func delete(_ keys: [ObjectKey]) async throws(S3Error) {
        try await call(.delete, keys.first) { state throws(S3Error) in
            for key in keys { state.objects[key] = nil }
        }
    }

    package func createMultipart(
        _ key: ObjectKey,
        options: PutOptions
    ) async throws(S3Error) -> UploadID {
        try await call(.createMultipart, key) { state throws(S3Error) in
            state.serial += 1
            let id = UploadID("upload-\(state.serial)")
            state.uploads[id] = Pending(
                key: key,
                options: options,
                begun: Self.firstModified + Int64(state.serial)
            )
            return id
        }
    }

    package func uploadPart(
        _ key: ObjectKey,
        upload: UploadID,
        number: Int,
        body: HTTPBody,
        checksum: CRC64NVME
    ) async throws(S3Error) -> UploadedPart {
        let bytes = try Self.read(body, key)
        guard CRC64NVME(of: bytes) == checksum else {
            throw Self.error(.corrupted, "upload a part of", key)
        }
        let eTag = try await call(.uploadPart, key) { state throws(S3Error) in
            try Self.add(bytes, number, key, upload, in: &state)
        }
        return UploadedPart(number: number, eTag: eTag, checksum: checksum)
    }

    package func copyPart(
        _ key: ObjectKey,
        upload: UploadID,
        number: Int,
        from source: ObjectKey,
        range: ByteRange,
        sourceIfMatch: ETag?
    ) async throws(S3Error) -> UploadedPart {
        let eTag = try await call(.copyPart, key) { state throws(S3Error) in
            let object = try Self.source(source, sourceIfMatch, in: state)
            guard range.offset + range.length <= object.info.size else {
                throw Self.error(.refused, "copy a part of", source)
            }
            let start = Int(range.offset)
            let bytes = Array(object.bytes[start..<(start + Int(range.length))])
            return try Self.add(bytes, number, key, upload, in: &state)
        }
        return UploadedPart(number: number, eTag: eTag, checksum: nil)
    }

    package func completeMultipart(
        _ key: ObjectKey,
        upload: UploadID,
        parts: [UploadedPart],
        checksum: CRC64NVME?,
        condition: PutCondition?
    ) async throws(S3Error) -> PutReceipt {
        let eTag = try await call(.completeMultipart, key) {
            [smallestPartBytes] state throws(S3Error) in
            guard let pending = state.uploads[upload], pending.key == key else {
                throw Self.error(.noSuchUpload, "complete", key)
            }
            try Self.check(condition, &state, key, "complete")
            var bytes: [UInt8] = []
            for (index, part) in parts.enumerated() {
                guard let stored = pending.parts[part.number], stored.eTag == part.eTag,
                    index == 0 || parts[index - 1].number < part.number,
                    index == parts.count - 1 || stored.bytes.count >= smallestPartBytes
                else { throw Self.error(.refused, "complete", key) }
                bytes += stored.bytes
            }
            guard !parts.isEmpty else { throw Self.error(.refused, "complete", key) }
            let sum = CRC64NVME(of: bytes)
            if let checksum, checksum != sum { throw Self.error(.corrupted, "complete", key) }
            state.uploads[upload] = nil
            return Self.store(bytes, sum, at: key, pending.options, in: &state)
        }
        return receipt(eTag, checksum)
    }

    package func openUploads(below prefix: [UInt8]) async throws(S3Error) -> [OpenUpload] {
        try await call(.openUploads, nil) { state throws(S3Error) in
            state.uploads.filter { $0.value.key.hasPrefix(prefix) }
                .map { OpenUpload(key: $0.value.key, id: $0.key, begun: $0.value.begun) }
                .sorted { ($0.key, $0.id.text) < ($1.key, $1.id.text) }
        }
    }

    package func abortMultipart(_ key: ObjectKey, upload: UploadID) async throws(S3Error) {
        try await call(.abortMultipart, key) { state throws(S3Error) in
            state.uploads[upload] = nil
        }
    }

    private func call<Result>(
        _ kind: Call.Kind,
        _ key: ObjectKey?,
        _ work: (inout State) throws(S3Error) -> sending Result
    ) async throws(S3Error) -> Result {
        if Task.isCancelled {
            throw S3Error(.cancelled, what: "Cannot \(kind.rawValue): cancelled")
        }
        let number = state.withLock { state in
            state.counts[kind, default: 0] += 1
            let number = state.counts[kind] ?? 0
            state.calls.append(Call(kind: kind, key: key, number: number, isDone: false))
            return number
        }
        try await fault(Call(kind: kind, key: key, number: number, isDone: false))
        let result = try state.withLock { state throws(S3Error) in try work(&state) }
        try await fault(Call(kind: kind, key: key, number: number, isDone: true))
        return result
    }

    private static func store(
        _ bytes: [UInt8],
        _ checksum: CRC64NVME?,
        at key: ObjectKey,
        _ options: PutOptions,
        in state: inout State
    ) -> ETag {
        state.serial += 1
        let eTag = ETag("\"\(Hex.encode(MD5.digest(of: bytes)))\"")
        state.objects[key] = StoredObject(
            bytes: bytes,
            info: ObjectInfo(
                size: Int64(bytes.count),
                eTag: eTag,
                checksum: checksum,
                metadata: options.metadata,
                lastModified: Self.firstModified + Int64(state.serial)
            ),
            contentType: options.contentType
        )
        return eTag
    }

    private static func add(
        _ bytes: [UInt8],
        _ number: Int,
        _ key: ObjectKey,
        _ upload: UploadID,
        in state: inout State
    ) throws(S3Error) -> ETag {
        guard state.uploads[upload]?.key == key else {
            throw error(.noSuchUpload, "upload a part of", key)
        }
        guard (1...10_000).contains(number) else { throw error(.refused, "upload a part of", key) }
        let eTag = ETag("\"\(Hex.encode(MD5.digest(of: bytes)))\"")
        state.uploads[upload]?.parts[number] = (bytes, eTag)
        return eTag
    }

    private static func source(
        _ key: ObjectKey,
        _ eTag: ETag?,
        in state: State
    ) throws(S3Error) -> StoredObject {
        guard let object = state.objects[key] else { throw error(.noSuchKey, "copy", key) }
        if let eTag, eTag != object.info.eTag { throw error(.preconditionFailed, "copy", key) }
        return object
    }

    private static func check(
        _ condition: PutCondition?,
        _ state: inout State,
        _ key: ObjectKey,
        _ verb: String
    ) throws(S3Error) {
        switch condition {
        case nil: return
        case .absent:
            if state.objects[key] != nil { throw error(.preconditionFailed, verb, key) }
        case .matches(let eTag):
            guard let object = state.objects[key] else { throw error(.noSuchKey, verb, key) }
            if object.info.eTag != eTag { throw error(.preconditionFailed, verb, key) }
        }
    }
}
