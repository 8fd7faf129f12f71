// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Glibc
import Names
import S3Client
import Staging

/// One file into a bucket or out of it, verified.
struct ObjectCopy: Sendable {
    let store: any ObjectStore
    let limits: TransferLimits
    let meter: PhaseMeter

    /// What was copied.
    struct Copied: Sendable, Equatable {
        let bytes: Int64
        let checksum: CRC64NVME
    }

    /// Uploads the file, and looks at what the store has unless its answer has said so.
    func upload(_ path: [UInt8], to key: ObjectKey) async throws(S3Error) -> Copied {
        let descriptor = path.withCPath { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw .file(StagingError.system("read", path.logSafe)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .file(StagingError.system("read", path.logSafe))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw S3Error(
                .source,
                what: "Cannot upload \(path.logSafe): it is not a regular file",
                remedy: "Name a file."
            )
        }
        let size = Int64(status.st_size)
        meter.expect(bytes: size, files: 1)
        let source = FileSource(descriptor: descriptor, named: path.logSafe, length: size)
        let uploaded = try await Upload(to: store, limits: limits, observe: meter.observer)
            .run(source, at: key)
        if !uploaded.isConfirmed { try await store.look(at: key, expecting: uploaded) }
        meter.finished(1)
        return Copied(bytes: size, checksum: uploaded.checksum)
    }

    /// Downloads the object beside the file, verifies it, and gives it the file's name.
    func download(_ key: ObjectKey, to path: [UInt8]) async throws(S3Error) -> Copied {
        guard let info = try await store.head(key) else { throw await store.absence(of: key) }
        meter.expect(bytes: info.size, files: 1)
        do {
            var file = try ArrivingFile(path)
            let expected = ExpectedObject(
                size: info.size,
                checksum: info.checksum,
                eTag: info.eTag
            )
            let done = try await FileDownload(
                from: store,
                limits: limits,
                observe: meter.observer
            )
            .run(key, expecting: expected, into: file.descriptor, named: path.logSafe)
            try file.place()
            meter.finished(1)
            return Copied(bytes: done.info.size, checksum: done.checksum)
        } catch let error as S3Error {
            throw error
        } catch let error as StagingError {
            throw .file(error)
        } catch {
            throw S3Error(.sink, what: "Cannot download \(key)", cause: error)
        }
    }
}

extension ObjectStore {
    /// Asks the store what it has got, for an upload that its answer did not confirm.
    func look(
        at key: ObjectKey,
        expecting uploaded: Uploaded
    ) async throws(S3Error) {
        let found = try await head(key)
        guard let found, found.size == uploaded.size,
            found.checksum ?? uploaded.checksum == uploaded.checksum
        else {
            throw S3Error(
                .corrupted,
                what: "Cannot rely on \(key): it is not what was uploaded",
                place: found.map { "\($0.size) bytes of \(uploaded.size)" } ?? "it is not there",
                remedy: "See whether somebody else writes there, then upload it again."
            )
        }
    }

    /// Why there is no object at `key`: an answer to HEAD has no body that could say that it is the
    /// bucket.
    func absence(of key: ObjectKey) async -> S3Error {
        do throws(S3Error) {
            _ = try await list(prefix: key.bytes, delimiter: nil, token: nil, limit: 1)
        } catch {
            if error.code == .noSuchBucket { return error }
        }
        return .absent(key)
    }
}

extension S3Error {
    /// The local side of a copy failed.
    static func file(_ error: StagingError) -> S3Error {
        S3Error(.source, what: error.what, place: error.place, remedy: error.remedy)
    }

    /// An object that was asked for is not there.
    static func absent(_ key: ObjectKey) -> S3Error {
        S3Error(
            .noSuchKey,
            what: "There is no object \(key)",
            remedy: "List what is there with `galaxy-head-node s3 ls`."
        )
    }
}
