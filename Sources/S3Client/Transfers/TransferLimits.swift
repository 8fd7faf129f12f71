// SPDX-License-Identifier: Apache-2.0

/// How a transfer uses the network. Memory does not grow with any of it: bodies are streamed.
package struct TransferLimits: Sendable, Equatable {
    /// Requests under way at a time for one object.
    package var parallel: Int
    package var partBytes: Int64
    /// Smaller objects go in one request.
    package var thresholdBytes: Int64
    /// How often a whole download is begun again when its bytes are wrong or the object changed.
    package var restarts: Int

    package init(
        parallel: Int = 4,
        partBytes: Int64 = PartPlan.defaultPartBytes,
        thresholdBytes: Int64 = PartPlan.defaultThresholdBytes,
        restarts: Int = 3
    ) {
        precondition(parallel >= 1, "a transfer needs one request at a time")
        self.parallel = parallel
        self.partBytes = partBytes
        self.thresholdBytes = thresholdBytes
        self.restarts = restarts
    }
}
