// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Glibc
import Names
import Transport

/// What the bytes of a download must be.
package struct ExpectedObject: Sendable, Equatable {
    package var size: Int64?
    package var checksum: CRC64NVME?
    package var eTag: ETag?

    /// Its size, where that and the checksum tell it from every other object: then nobody need ask
    /// first. An entity tag alone does not: the store is asked for the checksum then, else nothing would
    /// tell damage on the way.
    var pinnedSize: Int64? { checksum == nil ? nil : size }

    package init(size: Int64? = nil, checksum: CRC64NVME? = nil, eTag: ETag? = nil) {
        self.size = size
        self.checksum = checksum
        self.eTag = eTag
    }
}

/// What a download has written.
package struct Downloaded: Sendable, Equatable {
    package let info: ObjectInfo
    /// Of all bytes written, summed up over the ranges.
    package let checksum: CRC64NVME
}

/// Downloads one object of any size into an open file, in ranges in parallel.
///
/// All ranges are of one and the same object, and their checksums are combined and compared with
/// what the caller expects, or else with what the store has. The store is asked for the object's size
/// only if the caller does not know its size and checksum. Bytes that do not fit are fetched again
/// from the start, over new requests, a few times. The file is the caller's: give it a temporary
/// name, and its final one after this has returned.
package struct FileDownload: Sendable {
    private let store: any ObjectStore
    private let limits: TransferLimits
    private let observe: TransferObserver

    package init(
        from store: any ObjectStore,
        limits: TransferLimits = TransferLimits(),
        observe: @escaping TransferObserver = { _ in }
    ) {
        self.store = store
        self.limits = limits
        self.observe = observe
    }

    /// Writes the object at `key` into `descriptor`, from its first byte on.
    ///
    /// - Parameter name: the file's, for messages.
    /// - Throws: `.noSuchKey` when it is not there; `.corrupted` when its size or checksum is not
    ///   the expected one.
    package func run(
        _ key: ObjectKey,
        expecting expected: ExpectedObject = ExpectedObject(),
        into descriptor: Int32,
        named name: String
    ) async throws(S3Error) -> Downloaded {
        var attempt = 1
        while true {
            do throws(S3Error) {
                return try await once(key, expected, descriptor, name)
            } catch {
                let mayPass =
                    error.code == .corrupted
                    || (error.code == .preconditionFailed && expected.eTag == nil)
                guard mayPass, attempt <= limits.restarts else { throw error }
                observe(.restarted(attempt: attempt, why: error.headline))
                attempt += 1
                try empty(descriptor, name)
            }
        }
    }

    /// What came so far may have been longer than what comes next.
    private func empty(_ descriptor: Int32, _ name: String) throws(S3Error) {
        guard ftruncate(descriptor, 0) != 0 else { return }
        throw S3Error(
            .sink,
            what: "Cannot begin the download again",
            cause: FileFailure("empty", name, errno)
        )
    }

    private func once(
        _ key: ObjectKey,
        _ expected: ExpectedObject,
        _ descriptor: Int32,
        _ name: String
    ) async throws(S3Error) -> Downloaded {
        if let size = expected.size, size < limits.thresholdBytes {
            return try await whole(key, expected, descriptor, name)
        }
        if let size = expected.pinnedSize {
            return try await pinned(key, size, expected, descriptor, name)
        }
        guard let info = try await store.head(key) else {
            throw S3Error(
                .noSuchKey,
                what: "Cannot get the object \(key): there is no such object"
            )
        }
        try check(key, info, expected)
        if info.size < limits.thresholdBytes {
            return try await whole(key, expected, descriptor, name)
        }
        return try await ranges(
            key,
            size: info.size,
            ExpectedObject(
                size: info.size,
                checksum: expected.checksum ?? info.checksum,
                eTag: info.eTag
            ),
            descriptor,
            name
        )
    }

    /// All ranges at once, without a look before: any other object shows in the answers or in the sum.
    private func pinned(
        _ key: ObjectKey,
        _ size: Int64,
        _ expected: ExpectedObject,
        _ descriptor: Int32,
        _ name: String
    ) async throws(S3Error) -> Downloaded {
        do throws(S3Error) {
            return try await ranges(key, size: size, expected, descriptor, name)
        } catch {
            // A shorter object has no such range, and an empty one none at all; what is there is worth a
            // word.
            guard error.code == .refused || error.code == .badAnswer,
                let info = try await store.head(key)
            else { throw error }
            try check(key, info, expected)
            throw error
        }
    }

    private func whole(
        _ key: ObjectKey,
        _ expected: ExpectedObject,
        _ descriptor: Int32,
        _ name: String
    ) async throws(S3Error) -> Downloaded {
        let sink = FileSink(descriptor: descriptor, named: name)
        let info = try await store.get(
            key,
            range: nil,
            ifMatch: expected.eTag,
            expecting: expected.checksum,
            to: sink
        )
        try check(key, info, expected)
        observe(.moved(bytes: sink.count))
        return Downloaded(info: info, checksum: sink.checksum)
    }

    private func ranges(
        _ key: ObjectKey,
        size: Int64,
        _ expected: ExpectedObject,
        _ descriptor: Int32,
        _ name: String
    ) async throws(S3Error) -> Downloaded {
        let plan = try PartPlan(
            totalBytes: size,
            preferredPartBytes: limits.partBytes(of: size),
            thresholdBytes: 0
        )
        let pieces = try await inParallel(1...plan.count, limits) {
            [store, observe] number throws(S3Error) in
            let range = plan.range(ofPart: number)
            let sink = FileSink(
                descriptor: descriptor,
                named: name,
                offset: range.offset,
                limit: range.length
            )
            let info = try await store.get(
                key,
                range: range,
                ifMatch: expected.eTag,
                expecting: nil,
                to: sink
            )
            try check(key, info, expected)
            observe(.moved(bytes: range.length))
            return (info: info, checksum: sink.checksum)
        }
        var checksum = CRC64NVME()
        for (index, piece) in pieces.enumerated() {
            checksum.append(piece.checksum, length: plan.range(ofPart: index + 1).length)
        }
        if let right = expected.checksum, right != checksum {
            throw differs(key, "its CRC64NVME is \(checksum.hex), should be \(right.hex)")
        }
        return Downloaded(info: pieces[0].info, checksum: checksum)
    }

    private func check(
        _ key: ObjectKey,
        _ info: ObjectInfo,
        _ expected: ExpectedObject
    ) throws(S3Error) {
        if let size = expected.size, size != info.size {
            throw differs(key, "it has \(info.size) bytes, should have \(size)")
        }
        if let right = expected.checksum, let theirs = info.checksum, right != theirs {
            throw differs(key, "the store has CRC64NVME \(theirs.hex), should be \(right.hex)")
        }
        if let right = expected.eTag, right != info.eTag {
            throw S3Error(
                .preconditionFailed,
                what: "Cannot get the object \(key): it is another one now"
            )
        }
    }

    private func differs(_ key: ObjectKey, _ how: String) -> S3Error {
        S3Error(
            .corrupted,
            what: "Cannot get the object \(key): it is not what was expected",
            place: how,
            remedy: "Find out who changed it; its digest was noted when it was stored."
        )
    }
}
