// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names

/// One try of a run.
struct TryID: Sendable, Hashable, CustomStringConvertible {
    let run: RunID
    /// 1 for the first.
    let number: Int

    var description: String { "\(run)-\(number)" }
}

/// What an executor needs to know to run a try.
struct TryOrder: Sendable {
    let id: TryID
    let spec: RunSpec
    let specKey: ObjectKey
    let specSHA256: SHA256Digest
    let storage: StorageLocation
}

/// What runs tries.
protocol Executor: Sendable {
    /// Starts the try, or finds that it was started before: a name is used once.
    func submit(_ order: TryOrder) async throws(HeadError)

    /// Waits for the try's end, and gives the worker's frames as they come; some may come twice.
    ///
    /// Cancelling only stops the waiting.
    func follow(
        _ id: TryID,
        frames: @Sendable (WorkerFrame) -> Void
    ) async throws(HeadError) -> TryEnd

    /// What the worker said last to people, a few lines, for a message.
    func lastWords(_ id: TryID) -> String

    /// Ends the try if it still runs.
    func stop(_ id: TryID) async throws(HeadError)

    /// Ends the try if it still runs, and removes what is left of it.
    func remove(_ id: TryID) async throws(HeadError)
}
