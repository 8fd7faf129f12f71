// SPDX-License-Identifier: Apache-2.0

/// How a transfer uses the network. Memory grows with requests under way alone: bodies are streamed.
package struct TransferLimits: Sendable, Equatable {
    /// What one of a job's large files may widen to: half of a store's connections.
    private static let sharedWidth = 16
    /// What all of them may have under way: all of a store's connections.
    private static let sharedPlaces = 32

    /// Requests under way at a time for one object, to begin with.
    package var parallel: Int
    /// Requests under way at a time once one of them has taken longer than twice `patience`: then it is
    /// the connections that are slow, and more of them carry more, or it has waited for a place in `room`,
    /// which is shared fairly however many ask.
    package var widest: Int
    /// Requests at a time that parts are cut for; nil for `widest`.
    package var cutFor: Int?
    /// What the transfers of one job share; nil for a transfer that is alone.
    package var room: TransferRoom?
    package var patience: Duration
    /// How large a part or range is; nil for as large as keeps all requests busy to the end.
    package var partBytes: Int64?
    /// Smaller objects go in one request.
    package var thresholdBytes: Int64
    /// How often a whole download is begun again when its bytes are wrong or the object changed.
    package var restarts: Int

    /// - Parameter widest: nil for `parallel`.
    package init(
        parallel: Int = 4,
        widest: Int? = nil,
        patience: Duration = .milliseconds(150),
        partBytes: Int64? = nil,
        thresholdBytes: Int64 = PartPlan.defaultThresholdBytes,
        restarts: Int = 3
    ) {
        precondition(parallel >= 1, "a transfer needs one request at a time")
        self.parallel = parallel
        self.widest = max(parallel, widest ?? parallel)
        self.patience = patience
        self.partBytes = partBytes
        self.thresholdBytes = thresholdBytes
        self.restarts = restarts
    }

    /// For each of a job's files of these sizes, of which `transfers` move at a time: those that go in
    /// parts share the store's connections, and what one leaves empty another may have.
    package init(sharedBy sizes: some Sequence<Int64>, atOnce transfers: Int) {
        self.init(widest: Self.sharedWidth)
        let large = sizes.count { $0 >= thresholdBytes }
        cutFor = max(parallel, Self.sharedWidth / max(1, min(large, transfers)))
        room = TransferRoom(places: Self.sharedPlaces)
    }

    /// How large a part of an object of `totalBytes` is meant to be.
    ///
    /// Each part waits for the store once, so they are large; and there are so many that what moves in
    /// parallel ends at about the same time, and that there is work for as many as may be.
    package func partBytes(of totalBytes: Int64) -> Int64 {
        if let partBytes { return partBytes }
        let mebibyte: Int64 = 1 << 20
        let parallel = Int64(parallel)
        let round = parallel * PartPlan.ampleBytes
        let even = max(1, (totalBytes + round - 1) / round) * parallel
        let parts = max(even, Int64(cutFor ?? widest))
        let bytes = (totalBytes + parts - 1) / parts
        return max((bytes + mebibyte - 1) / mebibyte * mebibyte, PartPlan.defaultPartBytes)
    }
}
