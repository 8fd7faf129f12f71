// SPDX-License-Identifier: Apache-2.0

/// How a transfer uses the network. Memory does not grow with any of it: bodies are streamed.
package struct TransferLimits: Sendable, Equatable {
    /// Requests under way at a time for one object.
    package var parallel: Int
    /// How large a part or range is; nil for as large as keeps all requests busy to the end.
    package var partBytes: Int64?
    /// Smaller objects go in one request.
    package var thresholdBytes: Int64
    /// How often a whole download is begun again when its bytes are wrong or the object changed.
    package var restarts: Int

    package init(
        parallel: Int = 4,
        partBytes: Int64? = nil,
        thresholdBytes: Int64 = PartPlan.defaultThresholdBytes,
        restarts: Int = 3
    ) {
        precondition(parallel >= 1, "a transfer needs one request at a time")
        self.parallel = parallel
        self.partBytes = partBytes
        self.thresholdBytes = thresholdBytes
        self.restarts = restarts
    }

    /// How large a part of an object of `totalBytes` is meant to be.
    ///
    /// Each part waits for the store once, so they are large; and there are so many that what moves in
    /// parallel ends at about the same time.
    package func partBytes(of totalBytes: Int64) -> Int64 {
        if let partBytes { return partBytes }
        let mebibyte: Int64 = 1 << 20
        let parallel = Int64(parallel)
        let round = parallel * PartPlan.ampleBytes
        let parts = max(1, (totalBytes + round - 1) / round) * parallel
        let even = (totalBytes + parts - 1) / parts
        return max((even + mebibyte - 1) / mebibyte * mebibyte, PartPlan.defaultPartBytes)
    }
}
