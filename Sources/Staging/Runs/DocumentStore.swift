// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Transport

/// Small JSON documents of the contract, in the bucket.
package struct DocumentStore: Sendable {
    package let store: any ObjectStore

    package init(_ store: any ObjectStore) { self.store = store }

    /// The document's bytes; nil if there is none.
    package func bytes(_ key: ObjectKey) async throws(S3Error) -> [UInt8]? {
        try await store.bytes(of: key, limit: ContractCoding.largestDocument)?.bytes
    }

    /// The document; nil if there is none.
    package func read<Value: VersionedDocument>(
        _ type: Value.Type,
        at key: ObjectKey,
        name: String
    ) async throws(StagingError) -> Value? {
        let bytes: [UInt8]?
        do throws(S3Error) {
            bytes = try await self.bytes(key)
        } catch {
            throw .store("read the \(name)", error)
        }
        guard let bytes else { return nil }
        do throws(ContractError) {
            return try ContractCoding.decode(type, from: bytes, name: name)
        } catch {
            throw StagingError(
                .document,
                what: error.what,
                place: key.logSafe,
                remedy:
                    "Find out who wrote it, remove it by `galaxy-head-node s3 rm`, then run the "
                    + "job again."
            )
        }
    }

    /// Stores bytes.
    ///
    /// - Returns: false when `condition` did not hold: somebody else was first.
    @discardableResult
    package func put(
        _ bytes: [UInt8],
        at key: ObjectKey,
        condition: PutCondition? = nil
    ) async throws(S3Error) -> Bool {
        var checksum = CRC64NVME()
        checksum.update(bytes)
        let options = PutOptions(condition: condition, contentType: "application/json")
        do throws(S3Error) {
            _ = try await store.put(
                key,
                body: .bytes(bytes),
                checksum: checksum,
                options: options
            )
            return true
        } catch {
            if error.code == .preconditionFailed, condition != nil { return false }
            throw error
        }
    }
}
