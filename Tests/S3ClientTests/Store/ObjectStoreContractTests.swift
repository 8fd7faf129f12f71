// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import TestSupport
import Testing
import Transport

@Suite struct ObjectStoreContractTests {
    @Test(arguments: ContractBackend.available)
    func `an object that is not there`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "none")
        #expect(try await store.head(key) == nil)
        #expect(try await store.bytes(of: key, limit: 10) == nil)
        try await store.delete(key)
        #expect(try await store.entries(below: Array(prefix.utf8)).isEmpty)
    }

    @Test(arguments: ContractBackend.available)
    func `what is put comes back`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        for size in [0, 1, 2, 4095, 4096, 65_536, 65_537, 1_048_577] {
            let key = try ObjectKey(prefix + "size \(size)")
            let bytes = patterned(size)
            let eTag = try await store.put(key, bytes: bytes)
            let found = try await store.required(key)
            #expect(found.bytes == bytes)
            #expect(found.info.eTag == eTag)
            let info = try #require(try await store.head(key))
            #expect(info.size == Int64(size))
            #expect(info.eTag == eTag)
            if backend.keepsChecksums { #expect(info.checksum == CRC64NVME(of: bytes)) }
        }
    }

    @Test(arguments: ContractBackend.available)
    func `metadata comes back and nothing else with it`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "m")
        let metadata = ["mode": "33188", "mtime": "1700000000.5", "odd-name": "a  b; c=d"]
        _ = try await store.put(
            key,
            bytes: [1],
            options: PutOptions(metadata: metadata, contentType: "application/x-tar")
        )
        // SigV4 makes runs of blanks one before it signs; what is stored may be either.
        let found = try #require(try await store.head(key)).metadata
        #expect(found.keys.sorted() == metadata.keys.sorted())
        #expect(found["mode"] == "33188")
        #expect(found["mtime"] == "1700000000.5")
    }

    @Test(arguments: ContractBackend.available)
    func `ranges`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "r")
        let bytes = patterned(100_000)
        let eTag = try await store.put(key, bytes: bytes)
        for (offset, length) in [(0, 1), (0, 100_000), (99_999, 1), (500, 70_000), (65_535, 2)] {
            let sink = MemorySink(limit: 1 << 20)
            let wanted = Array(bytes[offset..<(offset + length)])
            let info = try await store.get(
                key,
                range: ByteRange(offset: Int64(offset), length: Int64(length)),
                ifMatch: eTag,
                expecting: CRC64NVME(of: wanted),
                to: sink
            )
            #expect(sink.bytes == wanted)
            #expect(info.size == 100_000)
        }
        for (offset, length) in [(99_999, 2), (100_000, 1), (1 << 40, 1)] as [(Int64, Int64)] {
            let found = await code { () throws(S3Error) in
                try await store.get(
                    key,
                    range: ByteRange(offset: offset, length: length),
                    ifMatch: nil,
                    expecting: nil,
                    to: MemorySink(limit: 10)
                )
            }
            #expect(found == .refused)
        }
    }

    @Test(arguments: ContractBackend.available)
    func `a get of another object than expected`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "g")
        let old = try await store.put(key, bytes: Array("old".utf8))
        _ = try await store.put(key, bytes: Array("new".utf8))
        let changed = await code { () throws(S3Error) in
            try await store.get(
                key,
                range: nil,
                ifMatch: old,
                expecting: nil,
                to: MemorySink(limit: 10)
            )
        }
        #expect(changed == .preconditionFailed)
        let damaged = await code { () throws(S3Error) in
            try await store.get(
                key,
                range: nil,
                ifMatch: nil,
                expecting: CRC64NVME(of: Array("old".utf8)),
                to: MemorySink(limit: 10)
            )
        }
        #expect(damaged == .corrupted)
    }

    @Test(arguments: ContractBackend.available)
    func `a body that is not its checksum is not stored`(backend: ContractBackend) async throws {
        guard backend.keepsChecksums else { return }
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "c")
        let found = await code { () throws(S3Error) in
            try await store.put(
                key,
                body: .bytes([1, 2, 3]),
                checksum: CRC64NVME(of: [1, 2, 4]),
                options: PutOptions()
            )
        }
        #expect(found == .corrupted)
        #expect(try await store.head(key) == nil)
    }

    @Test(arguments: ContractBackend.available)
    func `conditions of a put`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "if")
        let first = try await store.put(key, bytes: [1], options: PutOptions(condition: .absent))
        let second = await code { () throws(S3Error) in
            try await store.put(key, bytes: [2], options: PutOptions(condition: .absent))
        }
        #expect(second == .preconditionFailed)
        _ = try await store.put(key, bytes: [3], options: PutOptions(condition: .matches(first)))
        let late = await code { () throws(S3Error) in
            try await store.put(key, bytes: [4], options: PutOptions(condition: .matches(first)))
        }
        #expect(late == .preconditionFailed)
        #expect(try await store.required(key).bytes == [3])
    }

    @Test(arguments: ContractBackend.available)
    func `of 16 racing writers one wins`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "race")
        let winners = await withTaskGroup(of: UInt8?.self) { group in
            for writer in UInt8(1)...16 {
                group.addTask {
                    let options = PutOptions(condition: .absent)
                    let failure = await code { () throws(S3Error) in
                        try await store.put(key, bytes: [writer], options: options)
                    }
                    return failure == nil ? writer : nil
                }
            }
            return await group.reduce(into: [UInt8]()) { if let winner = $1 { $0.append(winner) } }
        }
        #expect(winners.count == 1)
        #expect(try await store.required(key).bytes == winners)
    }

    @Test(arguments: ContractBackend.available)
    func `copies`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let source = try ObjectKey(prefix + "from here + é")
        let target = try ObjectKey(prefix + "to")
        let bytes = patterned(70_000)
        let eTag = try await store.put(
            source,
            bytes: bytes,
            options: PutOptions(metadata: ["a": "1"])
        )
        _ = try await store.copy(
            from: source,
            to: target,
            sourceIfMatch: eTag,
            options: PutOptions()
        )
        let kept = try await store.required(target)
        #expect(kept.bytes == bytes)
        #expect(kept.info.metadata == ["a": "1"])
        _ = try await store.copy(
            from: source,
            to: target,
            sourceIfMatch: nil,
            options: PutOptions(metadata: ["b": "2"])
        )
        #expect(try #require(try await store.head(target)).metadata == ["b": "2"])
        let changed = await code { () throws(S3Error) in
            guard backend.checksCopySource else {
                throw S3Error(.preconditionFailed, what: "not checked by this server")
            }
            return try await store.copy(
                from: source,
                to: target,
                sourceIfMatch: ETag("\"00000000000000000000000000000000\""),
                options: PutOptions()
            )
        }
        #expect(changed == .preconditionFailed)
        let missing = await code { () throws(S3Error) in
            try await store.copy(
                from: ObjectKey(unchecked: prefix + "none"),
                to: target,
                sourceIfMatch: nil,
                options: PutOptions()
            )
        }
        #expect(missing == .noSuchKey)
    }

    @Test(arguments: ContractBackend.available)
    func `a listing in pages`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let names = ["a", "a b", "a+b", "b/1", "b/2", "c/x/y", "d%20", "é", "z"]
        let keys = try names.map { try ObjectKey(prefix + $0) }
        for (index, key) in keys.enumerated() {
            _ = try await store.put(key, bytes: patterned(index))
        }
        for limit in [1, 2, 3, 4, 8, 9, 1000] {
            var found: [ListPage.Entry] = []
            var token: String?
            repeat {
                let page = try await store.list(
                    prefix: Array(prefix.utf8),
                    delimiter: nil,
                    token: token,
                    limit: limit
                )
                #expect(page.entries.count <= limit)
                found += page.entries
                token = page.nextToken
            } while token != nil && found.count <= keys.count
            #expect(found.map(\.key).sorted() == keys.sorted())
            #expect(found.map(\.size).reduce(0, +) == 36)
        }
        let page = try await store.list(
            prefix: Array(prefix.utf8),
            delimiter: UInt8(ascii: "/"),
            token: nil,
            limit: 1000
        )
        #expect(page.entries.count == 6)
        #expect(
            page.commonPrefixes.map { String(decoding: $0, as: UTF8.self) } == [
                prefix + "b/", prefix + "c/",
            ]
        )
        let other = try await store.entries(below: Array((prefix + "b").utf8))
        #expect(other.map(\.key) == [keys[3], keys[4]])
    }

    @Test(arguments: ContractBackend.available)
    func `deletes of more than one request`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let there = try (0..<5).map { try ObjectKey(prefix + "k<&>\"' \($0)") }
        for key in there { _ = try await store.put(key, bytes: [1]) }
        let absent = try (0..<1001).map { try ObjectKey(prefix + "none \($0)") }
        try await store.delete(absent + there)
        #expect(try await store.entries(below: Array(prefix.utf8)).isEmpty)
    }
}

extension ObjectKey {
    /// For keys that are right by their looks.
    init(unchecked text: String) throws(S3Error) {
        do { try self.init(text) } catch {
            throw S3Error(.configuration, what: "\(error)")
        }
    }
}
