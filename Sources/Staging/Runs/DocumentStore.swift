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

    /// How long is waited before what is no document is read once more.
    private static let pauses: [Duration] = [
        .milliseconds(100), .milliseconds(400), .milliseconds(1_500),
    ]

    /// What `decode` makes of the bytes at `key`; nil if there are none.
    ///
    /// What cannot be read at all may be a proxy's own page, sent with 200 in the store's place: it is
    /// read four times, within two seconds.
    /// - Parameter decode: throws for what is no document; gives what is to be said of one.
    /// - Throws: `.badAnswer` if it stays none.
    private func patiently<Value>(
        _ key: ObjectKey,
        decode: ([UInt8]) throws(ContractError) -> Value
    ) async throws(S3Error) -> Value? {
        var pauses = Self.pauses[...]
        while true {
            guard let bytes = try await bytes(key) else { return nil }
            do throws(ContractError) {
                return try decode(bytes)
            } catch {
                guard let pause = pauses.popFirst() else { throw noDocument(key, error) }
                // Who is cancelled learns it from the next request.
                try? await Task.sleep(for: pause)
            }
        }
    }

    /// The document, or why it is not the one that is wanted; nil if there is none.
    ///
    /// - Throws: `.badAnswer` for what stays no document.
    package func document<Value: VersionedDocument>(
        _ type: Value.Type,
        at key: ObjectKey,
        name: String
    ) async throws(S3Error) -> Result<Value, ContractError>? {
        try await patiently(key) { (bytes) throws(ContractError) in
            do throws(ContractError) {
                return .success(try ContractCoding.decode(type, from: bytes, name: name))
            } catch {
                guard error.code != .malformed else { throw error }
                return .failure(error)
            }
        }
    }

    /// The bytes of a document whose digest is known; nil if there are none. Others are read again, and
    /// come back, if they are a document at all: what is to be said of that one depends on who asks.
    package func bytes(
        _ key: ObjectKey,
        sha256: SHA256Digest,
        name: String
    ) async throws(S3Error) -> [UInt8]? {
        try await patiently(key) { (bytes) throws(ContractError) in
            if SHA256Digest(of: bytes) != sha256 {
                _ = try ContractCoding.version(of: bytes, name: name)
            }
            return bytes
        }
    }

    private func noDocument(_ key: ObjectKey, _ error: ContractError) -> S3Error {
        let url = store.url(of: key)
        return S3Error(
            .badAnswer,
            what: error.what,
            place: url,
            remedy:
                "If something answers in the store's place, mend that; else find out who wrote it, "
                + "remove it by `galaxy-head-node s3 rm \(url)`, then run the job again."
        )
    }

    /// The document; nil if there is none.
    package func read<Value: VersionedDocument>(
        _ type: Value.Type,
        at key: ObjectKey,
        name: String
    ) async throws(StagingError) -> Value? {
        let found: Result<Value, ContractError>?
        do throws(S3Error) {
            found = try await document(type, at: key, name: name)
        } catch {
            throw .store("use the \(name)", error)
        }
        do throws(ContractError) {
            return try found?.get()
        } catch {
            let url = store.url(of: key)
            throw StagingError(
                .document,
                what: error.what,
                place: url,
                remedy: error.remedy.isEmpty
                    ? "Find out who wrote it, remove it by `galaxy-head-node s3 rm \(url)`, then run "
                        + "the job again." : error.remedy
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
