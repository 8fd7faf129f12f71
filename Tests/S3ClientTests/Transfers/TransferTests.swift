// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import S3Client
import Synchronization
import TestSupport
import Testing
import Transport

@Suite struct TransferTests {
    static let part = 5 << 20
    static let limits = TransferLimits(
        parallel: 3,
        partBytes: Int64(part),
        thresholdBytes: Int64(part)
    )

    @Test(arguments: ContractBackend.available)
    func `files go up and down at every border`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        for size in [
            0, 1, Self.part - 1, Self.part, Self.part + 1, 3 * Self.part, 3 * Self.part + 1,
        ] {
            let key = try ObjectKey(prefix + "f\(size)")
            let bytes = patterned(size)
            let source = try TemporaryFile(bytes)
            let sent = Mutex<Int64>(0)
            let stored = try await Upload(to: store, limits: Self.limits) { event in
                if case .moved(let count) = event { sent.withLock { $0 += count } }
            }
            .run(
                FileSource(descriptor: source.descriptor, named: "f", length: Int64(size)),
                at: key,
                options: PutOptions(condition: .absent)
            )
            #expect(sent.withLock { $0 } == Int64(size))
            #expect(stored.size == Int64(size))
            #expect(stored.checksum == CRC64NVME(of: bytes))
            #expect(try await store.head(key)?.eTag == stored.eTag)

            let target = try TemporaryFile()
            let expected = ExpectedObject(size: Int64(size), checksum: stored.checksum)
            let fetched = try await FileDownload(from: store, limits: Self.limits)
                .run(key, expecting: expected, into: target.descriptor, named: "t")
            #expect(fetched.checksum == stored.checksum)
            #expect(fetched.info.size == Int64(size))
            #expect(target.bytes == bytes)
        }
    }

    /// What a longer object has left must not stay behind a shorter one.
    @Test func `a download that begins again leaves nothing of the first`() async throws {
        let key = try ObjectKey("k")
        let right = patterned(1000)
        let late = Mutex<InMemoryObjectStore?>(nil)
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .get, call.isDone, call.number == 1 else { return }
            _ = try await late.withLock { $0 }?.put(key, bytes: right)
        }
        late.withLock { $0 = store }
        defer { late.withLock { $0 = nil } }
        _ = try await store.put(key, bytes: patterned(5000, seed: 8))
        let target = try TemporaryFile()
        let fetched = try await FileDownload(from: store, limits: Self.limits)
            .run(
                key,
                expecting: ExpectedObject(size: 1000),
                into: target.descriptor,
                named: "t"
            )
        #expect(fetched.checksum == CRC64NVME(of: right))
        #expect(target.bytes == right)
    }

    @Test func `an answer that has the checksum confirms a put, and no other does`() async throws {
        let key = try ObjectKey("k")
        for (answered, isConfirmed) in [
            (CRC64NVME(of: [1, 2, 3]).base64, true), (CRC64NVME(of: [1, 2, 4]).base64, false),
            ("?", false), (nil, false),
        ] {
            let fields = answered.map { [HTTPField("x-amz-checksum-crc64nvme", $0)] } ?? []
            let talk = try Conversation(
                .answer(status: 200, fields: [HTTPField("etag", "\"e\"")] + fields)
            )
            let stored = try await Upload(to: talk.store).run(MemorySource([1, 2, 3]), at: key)
            #expect(stored.isConfirmed == isConfirmed)
            #expect(talk.requests.count == 1)
        }
    }

    @Test func `an object that is known is not looked at, neither after nor before`() async throws {
        let key = try ObjectKey("k")
        let store = InMemoryObjectStore(confirmsPuts: true)
        let bytes = patterned(Self.part * 2 + 1)
        let stored = try await Upload(to: store, limits: Self.limits)
            .run(MemorySource(bytes), at: key)
        #expect(stored.isConfirmed)
        let target = try TemporaryFile()
        let fetched = try await FileDownload(from: store, limits: Self.limits)
            .run(
                key,
                expecting: ExpectedObject(size: stored.size, checksum: stored.checksum),
                into: target.descriptor,
                named: "t"
            )
        #expect(fetched.checksum == stored.checksum)
        #expect(target.bytes == bytes)
        #expect(!store.calls.contains { $0.kind == .head })
    }

    @Test(arguments: [-part, -1, 1, part])
    func `an object of another size than the known one is named so`(more: Int) async throws {
        let key = try ObjectKey("k")
        let store = InMemoryObjectStore()
        let bytes = patterned(Self.part * 3)
        _ = try await Upload(to: store, limits: Self.limits).run(MemorySource(bytes), at: key)
        let expected = ExpectedObject(
            size: Int64(bytes.count + more),
            checksum: CRC64NVME(of: bytes)
        )
        let target = try TemporaryFile()
        let error = await #expect(throws: S3Error.self) {
            try await FileDownload(from: store, limits: Self.limits)
                .run(key, expecting: expected, into: target.descriptor, named: "t")
        }
        #expect(error?.code == .corrupted)
        #expect(error?.place == "it has \(bytes.count) bytes, should have \(bytes.count + more)")
    }

    @Test func `a part that fails for good aborts the upload`() async throws {
        let store = InMemoryObjectStore { call throws(S3Error) in
            if call.kind == .uploadPart, call.number == 3, !call.isDone {
                throw S3Error(.accessDenied, what: "denied")
            }
        }
        let source = MemorySource(patterned(Self.part * 6))
        let key = try ObjectKey("k")
        let found = await code { () throws(S3Error) in
            try await Upload(to: store, limits: Self.limits).run(source, at: key)
        }
        #expect(found == .accessDenied)
        #expect(store.openUploads == 0)
        #expect(store.keys.isEmpty)
        #expect(store.calls.count { $0.kind == .uploadPart } < 6)
    }

    /// No part is over before six are under way, where three are to begin with.
    @Test func `slow parts are joined by more, on the way up and down`() async throws {
        let underWay = Mutex(0)
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard !call.isDone, [.uploadPart, .get].contains(call.kind) else { return }
            underWay.withLock { $0 += 1 }
            for _ in 0..<30_000 where underWay.withLock({ $0 % 6 != 0 }) {
                do { try await Task.sleep(for: .milliseconds(1)) } catch {
                    throw S3Error(.cancelled, what: "cancelled")
                }
            }
            guard underWay.withLock({ $0 % 6 == 0 }) else {
                throw S3Error(.refused, what: "nobody has joined")
            }
        }
        var limits = Self.limits
        (limits.widest, limits.patience) = (6, .milliseconds(1))
        let bytes = patterned(Self.part * 6)
        let key = try ObjectKey("k")
        let stored = try await Upload(to: store, limits: limits).run(MemorySource(bytes), at: key)
        #expect(underWay.withLock { $0 } == 6)
        let target = try TemporaryFile()
        let expected = ExpectedObject(size: Int64(bytes.count), checksum: stored.checksum)
        _ = try await FileDownload(from: store, limits: limits)
            .run(key, expecting: expected, into: target.descriptor, named: "t")
        #expect(underWay.withLock { $0 } == 12)
        #expect(target.bytes == bytes)
    }

    @Test(arguments: [1, 2, 3])
    func `an upload that somebody has aborted is begun anew, twice`(aborted: Int) async throws {
        let left = Mutex(aborted)
        let store = InMemoryObjectStore { call throws(S3Error) in
            let kind: InMemoryObjectStore.Call.Kind =
                aborted == 2 ? .uploadPart : .completeMultipart
            guard call.kind == kind, !call.isDone else { return }
            let isGone = left.withLock { left in
                guard left > 0 else { return false }
                left -= 1
                return true
            }
            if isGone { throw S3Error(.noSuchUpload, what: "gone") }
        }
        let bytes = patterned(Self.part * 2)
        let key = try ObjectKey("k")
        let limits = TransferLimits(
            parallel: 1,
            partBytes: Int64(Self.part),
            thresholdBytes: Int64(Self.part)
        )
        let found = await code { () throws(S3Error) in
            try await Upload(to: store, limits: limits).run(MemorySource(bytes), at: key)
        }
        #expect(found == (aborted < 3 ? nil : .noSuchUpload))
        #expect(store.storedBytes(key) == (aborted < 3 ? bytes : nil))
        #expect(
            store.calls.count { $0.kind == .createMultipart && !$0.isDone } == min(3, aborted + 1)
        )
        #expect(store.openUploads == 0)
    }

    @Test func `a cancelled upload is aborted`() async throws {
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .uploadPart, !call.isDone else { return }
            arrival.yield()
            do { try await Task.sleep(for: .seconds(3600)) } catch {
                throw S3Error(.cancelled, what: "cancelled")
            }
        }
        let source = MemorySource(patterned(Self.part * 4))
        let key = try ObjectKey("k")
        let found = await withTaskGroup(of: S3Error.Code?.self) { group in
            group.addTask {
                await code { () throws(S3Error) in
                    try await Upload(to: store, limits: Self.limits).run(source, at: key)
                }
            }
            for await _ in arrivals { break }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(found == .cancelled)
        #expect(store.openUploads == 0)
        #expect(store.calls.contains { $0.kind == .abortMultipart })
    }

    @Test func `a source that is shorter than it says is not stored`() async throws {
        let store = InMemoryObjectStore()
        let file = try TemporaryFile(patterned(100))
        let source = FileSource(descriptor: file.descriptor, named: "f", length: 101)
        let key = try ObjectKey("k")
        let found = await code { () throws(S3Error) in
            try await Upload(to: store).run(source, at: key)
        }
        #expect(found == .source)
        #expect(store.keys.isEmpty)
    }

    @Test(arguments: [1000, part * 3])
    func `damaged bytes are never returned`(size: Int) async throws {
        let store = InMemoryObjectStore()
        let key = try ObjectKey("k")
        let bytes = patterned(size)
        _ = try await Upload(to: store, limits: Self.limits).run(MemorySource(bytes), at: key)
        store.damage(key, at: size / 2)
        let target = try TemporaryFile()
        let restarts = Mutex(0)
        let found = await code { () throws(S3Error) in
            try await FileDownload(from: store, limits: Self.limits) { event in
                if case .restarted = event { restarts.withLock { $0 += 1 } }
            }
            .run(
                key,
                expecting: ExpectedObject(checksum: CRC64NVME(of: bytes)),
                into: target.descriptor,
                named: "t"
            )
        }
        #expect(found == .corrupted)
        #expect(restarts.withLock { $0 } == 3)
    }

    /// What a caller may know of an object: nothing, which one it is, or what is in it.
    enum Knowledge: CaseIterable { case nothing, eTag, checksum }

    @Test(arguments: Knowledge.allCases)
    func `bytes damaged once are fetched again`(known: Knowledge) async throws {
        let store = InMemoryObjectStore()
        let key = try ObjectKey("k")
        let bytes = patterned(Self.part * 2)
        let stored = try await Upload(to: store, limits: Self.limits)
            .run(MemorySource(bytes), at: key)
        let expected: ExpectedObject =
            switch known {
            case .nothing: .init()
            case .eTag: .init(size: stored.size, eTag: stored.eTag)
            case .checksum: .init(size: stored.size, checksum: stored.checksum)
            }
        store.damage(key, at: 17)
        let target = try TemporaryFile()
        _ = try await FileDownload(from: store, limits: Self.limits) { event in
            // The damage was on the way: the second time the bytes are right.
            if case .restarted = event { store.damage(key, at: 17) }
        }
        .run(key, expecting: expected, into: target.descriptor, named: "t")
        #expect(target.bytes == bytes)
    }

    @Test func `an object replaced between two ranges is begun again`() async throws {
        let key = try ObjectKey("k")
        let first = patterned(Self.part * 2, seed: 1)
        let second = patterned(Self.part * 3, seed: 2)
        let inner = Mutex<InMemoryObjectStore?>(nil)
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .get, call.number == 2, !call.isDone else { return }
            guard let store = inner.withLock({ $0 }) else { return }
            _ = try await store.put(key, bytes: second)
        }
        inner.withLock { $0 = store }
        defer { inner.withLock { $0 = nil } }
        _ = try await store.put(key, bytes: first)
        let target = try TemporaryFile()
        let limits = TransferLimits(
            parallel: 1,
            partBytes: Int64(Self.part),
            thresholdBytes: Int64(Self.part)
        )
        _ = try await FileDownload(from: store, limits: limits)
            .run(key, into: target.descriptor, named: "t")
        #expect(target.bytes == second)
    }

    /// It is another one each time its second range is asked for: F75.
    @Test func `an object replaced again and again is begun again three times, then named`()
        async throws
    {
        let restarts = Mutex<[String]>([])
        let (part, size) = (Self.part, Self.part * 2)
        let version = Mutex(0)
        let talk = try Conversation { seen in
            let eTag = "\"\(version.withLock { $0 })\""
            guard let range = seen.field("range") else {
                return .object([UInt8](repeating: 1, count: size), eTag: eTag, isHead: true)
            }
            guard seen.field("if-match") == eTag else { return .error(412, "PreconditionFailed") }
            guard range.hasPrefix("bytes=0-") else { return .error(400, "InvalidRange") }
            version.withLock { $0 += 1 }
            return .range([UInt8](repeating: 1, count: part)[...], of: size, eTag: eTag)
        }
        let limits = TransferLimits(
            parallel: 1,
            partBytes: Int64(part),
            thresholdBytes: Int64(part)
        )
        let target = try TemporaryFile()
        let error = await #expect(throws: S3Error.self) {
            try await FileDownload(from: talk.store, limits: limits) { event in
                if case .restarted(_, let why) = event { restarts.withLock { $0.append(why) } }
            }
            .run(Use.key, into: target.descriptor, named: "t")
        }
        #expect(error?.code == .preconditionFailed)
        #expect(error?.line.contains("s3://bucket/k") == true, "\(error?.line ?? "")")
        #expect(restarts.withLock { $0.count } == 3)
        #expect(talk.lines.count == 12, "each time a look, a range, and one more")
    }

    @Test func `another size or checksum than expected`() async throws {
        let store = InMemoryObjectStore()
        let key = try ObjectKey("k")
        _ = try await store.put(key, bytes: [1, 2, 3])
        let target = try TemporaryFile()
        for wrong in [
            ExpectedObject(size: 4), ExpectedObject(size: 3, checksum: CRC64NVME(of: [1])),
            ExpectedObject(size: 100 << 20),
        ] {
            let found = await code { () throws(S3Error) in
                try await FileDownload(from: store)
                    .run(key, expecting: wrong, into: target.descriptor, named: "t")
            }
            #expect(found == .corrupted)
        }
        let missing = await code { () throws(S3Error) in
            try await FileDownload(from: store)
                .run(ObjectKey(unchecked: "none"), into: target.descriptor, named: "t")
        }
        #expect(missing == .noSuchKey)
    }
}
