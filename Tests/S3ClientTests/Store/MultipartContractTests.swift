// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import TestSupport
import Testing
import Transport

@Suite struct MultipartContractTests {
    private static let partBytes = 5 << 20

    private func upload(
        _ pieces: [[UInt8]],
        of upload: UploadID,
        at key: ObjectKey,
        in store: any ObjectStore
    ) async throws -> [UploadedPart] {
        var parts: [UploadedPart] = []
        for (index, piece) in pieces.enumerated() {
            parts.append(
                try await store.uploadPart(
                    key,
                    upload: upload,
                    number: index + 1,
                    body: .bytes(piece),
                    checksum: CRC64NVME(of: piece)
                )
            )
        }
        return parts
    }

    @Test(arguments: ContractBackend.available)
    func `parts become one object`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "big & <odd>")
        let pieces = [patterned(Self.partBytes, seed: 1), patterned(77, seed: 2)]
        let id = try await store.createMultipart(key, options: PutOptions(metadata: ["m": "1"]))
        #expect(try await store.head(key) == nil)
        let parts = try await upload(pieces, of: id, at: key, in: store)
        let whole = pieces.flatMap { $0 }
        let receipt = try await store.completeMultipart(
            key,
            upload: id,
            parts: parts,
            checksum: CRC64NVME(of: whole),
            condition: nil
        )
        let found = try await store.required(key)
        #expect(found.bytes == whole)
        #expect(found.info.eTag == receipt.eTag)
        #expect(found.info.metadata == ["m": "1"])
        if backend.keepsChecksums { #expect(found.info.checksum == CRC64NVME(of: whole)) }
    }

    @Test(arguments: ContractBackend.available)
    func `uploads that are under way are listed`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let below = Array(prefix.utf8)
        #expect(try await store.openUploads(below: below).isEmpty)
        let first = try ObjectKey(prefix + "a & <odd> %2B")
        let second = try ObjectKey(prefix + "b")
        var expected: Set<UploadID> = []
        for key in [first, second, second] {
            expected.insert(try await store.createMultipart(key, options: PutOptions()))
        }
        let found = try await store.openUploads(below: below)
        #expect(Set(found.map(\.id)) == expected)
        #expect(found.map(\.key).sorted() == [first, second, second])
        #expect(found.allSatisfy { $0.begun != nil })
        #expect(try await store.openUploads(below: below + Array("b".utf8)).count == 2)
        for upload in found { try await store.abortMultipart(upload.key, upload: upload.id) }
        #expect(try await store.openUploads(below: below).isEmpty)
    }

    @Test(arguments: ContractBackend.available)
    func `an aborted upload leaves nothing`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "gone")
        let id = try await store.createMultipart(key, options: PutOptions())
        let parts = try await upload([[1, 2, 3]], of: id, at: key, in: store)
        try await store.abortMultipart(key, upload: id)
        try await store.abortMultipart(key, upload: id)
        #expect(try await store.head(key) == nil)
        guard backend.knowsAbortedUploads else { return }
        let late = await code { () throws(S3Error) in
            try await store.completeMultipart(
                key,
                upload: id,
                parts: parts,
                checksum: nil,
                condition: nil
            )
        }
        #expect(late == .noSuchUpload)
    }

    @Test(arguments: ContractBackend.available)
    func `parts that are not right`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "wrong")
        let id = try await store.createMultipart(key, options: PutOptions())
        let parts = try await upload([[1], [2]], of: id, at: key, in: store)
        let forged = UploadedPart(number: 1, eTag: ETag("\"0\""), checksum: parts[0].checksum)
        for wrong in [[forged], parts] {
            let found = await code { () throws(S3Error) in
                try await store.completeMultipart(
                    key,
                    upload: id,
                    parts: wrong,
                    checksum: nil,
                    condition: nil
                )
            }
            #expect(found == .refused)
        }
        try await store.abortMultipart(key, upload: id)
        #expect(try await store.head(key) == nil)
    }

    @Test(arguments: ContractBackend.available)
    func `a completion has a condition too`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let key = try ObjectKey(prefix + "second")
        let id = try await store.createMultipart(key, options: PutOptions())
        let parts = try await upload([[9]], of: id, at: key, in: store)
        _ = try await store.put(key, bytes: [1])
        let found = await code { () throws(S3Error) in
            try await store.completeMultipart(
                key,
                upload: id,
                parts: parts,
                checksum: CRC64NVME(of: [9]),
                condition: .absent
            )
        }
        #expect(found == .preconditionFailed)
        #expect(try await store.required(key).bytes == [1])
        try await store.abortMultipart(key, upload: id)
    }

    @Test(arguments: ContractBackend.available)
    func `parts copied inside the store`(backend: ContractBackend) async throws {
        let (store, prefix) = try await backend.fresh()
        let source = try ObjectKey(prefix + "source")
        let target = try ObjectKey(prefix + "target")
        let bytes = patterned(Self.partBytes * 2 + 11)
        let stored = try await Upload(to: store).run(MemorySource(bytes), at: source)
        let copy = ServerSideCopy(
            in: store,
            thresholdBytes: 1 << 20,
            partBytes: Int64(Self.partBytes)
        )
        _ = try await copy.run(
            from: source,
            size: stored.size,
            eTag: stored.eTag,
            to: target,
            options: PutOptions(metadata: ["mode": "1"])
        )
        let found = try await store.required(target)
        #expect(found.bytes == bytes)
        #expect(found.info.metadata == ["mode": "1"])
    }
}
