// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Glibc
import Names
import S3Client
import TestSupport
import Testing
import Transport

@testable import Staging

/// Trouble of this machine's own in the middle of a transfer is not the bucket's (F06 and F07).
@Suite struct LocalFaultTests {
    private let key: ObjectKey

    init() throws { key = try ObjectKey("k") }

    /// A store that answers every get with `bytes`.
    private func answering(_ bytes: [UInt8]) throws -> S3Store {
        S3Store(
            options: try StorageOptions(
                endpoint: S3Endpoint(
                    url: "https://s3.example.org",
                    bucket: "bucket",
                    region: "us-east-1"
                ),
                region: "us-east-1"
            ),
            credentials: FixedCredentials(
                Credentials(accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretKey: Redacted("secret"))
            ),
            transport: ScriptedTransport([
                .answer(
                    status: 200,
                    fields: [
                        HTTPField("content-length", "\(bytes.count)"), HTTPField("etag", "\"e\""),
                    ],
                    body: bytes
                )
            ])
        )
    }

    /// What becomes of the error of a download into a file for which there is no room.
    private func full(_ store: any ObjectStore) async throws -> StagingError {
        let device = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(device >= 0)
        defer { close(device) }
        let error = await #expect(throws: S3Error.self) {
            try await FileDownload(from: store).run(key, into: device, named: "/data/1.dat")
        }
        return .store("collect /data/1.dat", try #require(error))
    }

    @Test func `A full disk is a full disk, through the whole client`() async throws {
        let error = try await full(answering([1, 2, 3]))
        #expect(error.code == .diskFull, "\(error.tree)")
        #expect(!error.isRetryable)
        #expect(error.line.contains("No space left"), "\(error.line)")
    }

    @Test func `A full disk is a full disk, through a store in memory`() async throws {
        let store = InMemoryObjectStore()
        let bytes: [UInt8] = [1, 2, 3]
        _ = try await store.put(
            key,
            body: .bytes(bytes),
            checksum: CRC64NVME(of: bytes),
            options: PutOptions()
        )
        #expect(try await full(store).code == .diskFull)
    }

    @Test func `A pack with a damaged header is not what was promised`() async throws {
        let bytes = [UInt8](repeating: 0x41, count: 1_024)
        let digest = PackDigest.sha256(SHA256Digest(of: bytes))
        let pack = PackEntry(key: key, size: 1_024, digest: digest, files: 1)
        let error = await #expect(throws: StagingError.self) {
            let download = PackDownload(store: try answering(bytes), meter: PhaseMeter("fetch"))
            try await download(pack, into: NoTarget())
        }
        #expect(error?.code == .mismatch, "\(error?.tree ?? "")")
    }

    @Test(arguments: [
        (ENOSPC, StagingError.Code.diskFull), (EDQUOT, .diskFull), (EIO, .io), (EBADF, .io),
    ])
    func `A file's own trouble decides, however deep it is`(
        number: Int32,
        code: StagingError.Code
    ) {
        let file = FileFailure("write", "/data/1.dat", number)
        let transport = TransportError(.bodySink, what: "it cannot be taken", cause: file)
        let error = S3Error(.sink, what: "Cannot get k", cause: transport)
        #expect(StagingError.store("fetch k", error).code == code)
        let own = StagingError(.refused, what: "it may not be there")
        let wrapped = TransportError(.bodySink, what: "it cannot be taken", cause: own)
        let found = StagingError.store("fetch k", S3Error(.sink, what: "no", cause: wrapped))
        #expect(found.code == .refused && found.what == own.what)
    }

    /// A target that nothing reaches.
    private struct NoTarget: PackTarget {
        func create(_ path: FilePath, size: Int64) throws(StagingError) -> Descriptor {
            throw StagingError(.io, what: "\(path) came through")
        }

        func finish(
            _ path: FilePath,
            _ descriptor: Descriptor,
            digest: CRC64NVME,
            mode: FileMode,
            modified: FileTime
        ) throws(StagingError) {}

        func discard() throws(StagingError) {}
    }
}
