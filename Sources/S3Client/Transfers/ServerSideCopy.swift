// SPDX-License-Identifier: Apache-2.0

import Names

/// Copies an object of any size inside the store; no byte passes this machine.
package struct ServerSideCopy: Sendable {
    /// What one CopyObject takes.
    package static let largestSingleBytes: Int64 = 5 << 30
    /// Copied parts cost the store no network; fewer are faster.
    package static let partBytes: Int64 = 512 << 20

    private let store: any ObjectStore
    private let limits: TransferLimits
    private let thresholdBytes: Int64
    private let partBytes: Int64
    private let observe: TransferObserver

    /// - Parameter thresholdBytes: larger objects are copied in parts; at most 5 GiB.
    package init(
        in store: any ObjectStore,
        limits: TransferLimits = TransferLimits(),
        thresholdBytes: Int64 = largestSingleBytes,
        partBytes: Int64 = Self.partBytes,
        observe: @escaping TransferObserver = { _ in }
    ) {
        self.store = store
        self.limits = limits
        self.thresholdBytes = min(thresholdBytes, Self.largestSingleBytes)
        self.partBytes = partBytes
        self.observe = observe
    }

    /// Copies the object at `source`, if it still has `size` bytes and `eTag`, to `target`.
    package func run(
        from source: ObjectKey,
        size: Int64,
        eTag: ETag,
        to target: ObjectKey,
        options: PutOptions = PutOptions()
    ) async throws(S3Error) -> ETag {
        if size <= thresholdBytes {
            let copied = try await store.copy(
                from: source,
                to: target,
                sourceIfMatch: eTag,
                options: options
            )
            observe(.moved(bytes: size))
            return copied
        }
        let plan = try PartPlan(totalBytes: size, preferredPartBytes: partBytes, thresholdBytes: 0)
        let upload = try await store.createMultipart(target, options: options)
        return try await store.abortingOnFailure(target, upload) { () throws(S3Error) -> ETag in
            let parts = try await inParallel(1...plan.count, limits) {
                [store, observe] number throws(S3Error) in
                let range = plan.range(ofPart: number)
                let part = try await store.copyPart(
                    target,
                    upload: upload,
                    number: number,
                    from: source,
                    range: range,
                    sourceIfMatch: eTag
                )
                observe(.moved(bytes: range.length))
                return part
            }
            return
                try await store.completeMultipart(
                    target,
                    upload: upload,
                    parts: parts,
                    checksum: nil,
                    condition: options.condition
                )
                .eTag
        }
    }
}
