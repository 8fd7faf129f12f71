// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names

/// One try of a run.
struct TryID: Sendable, Hashable, CustomStringConvertible {
    let run: RunID
    /// 1 for the first.
    let number: Int
    /// What the executor calls it, as it was noted when the try began; nil where nothing was noted.
    var name: String?

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

/// What an executor sees of a try while it goes on.
enum TryNews: Sendable {
    /// The worker says this. A frame may come twice.
    case frame(WorkerFrame)
    /// The tool cannot begin yet, and why; said again when the reason changes.
    case waiting(String)
    /// The tool has begun, on this node.
    case running(String)
    /// Something else for people.
    case note(String)
    /// Something that a person should see.
    case trouble(String)
}

/// Whether the run has a result by now, whoever stored it; no where that cannot be learned. It costs
/// a request.
typealias ResultQuestion = @Sendable () async -> Bool

/// What runs tries.
///
/// A value for one run's settings. What many runs share, and what goes on by itself, is `Session`'s.
protocol Executor: Sendable {
    /// What a new try is to be called; it is noted with the try, so that another configuration finds
    /// it again. nil where the id is enough.
    func name(of id: TryID) -> String?

    /// Starts the try, or finds that it was started before: a name is used once.
    ///
    /// - Parameters:
    ///   - isDecided: asked now and then while it takes long.
    ///   - news: told why it takes long, if it does.
    /// - Returns: whether it was started; false if the run had its result first.
    func submit(
        _ order: TryOrder,
        isDecided: @escaping ResultQuestion,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) -> Bool

    /// Waits for the try's end, and tells what is seen of it meanwhile.
    ///
    /// Cancelling only stops the waiting.
    ///
    /// - Parameter isDecided: asked where a try seems to be ended from elsewhere; if the run has its
    ///   result, the end that is returned says nothing.
    func follow(
        _ id: TryID,
        isDecided: @escaping ResultQuestion,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) -> TryEnd

    /// What the worker said last to people, a few lines, for a message.
    func lastWords(_ id: TryID) -> String

    /// Keeps what only the executor has of a try that came to nothing, such as its logs, in the
    /// run's folder. It is a courtesy: that it cannot be done changes no result.
    func rescue(
        _ id: TryID,
        into folder: RunFolder
    ) async throws(HeadError)

    /// Sees to it that the try ends, if it still runs.
    ///
    /// - Parameter patience: how long its end may be waited for, in seconds.
    /// - Returns: whether it was seen to have ended. If not, everything has been done that ends it:
    ///   the rest is a matter of time, or of somebody who looks after its node.
    func stop(
        _ id: TryID,
        patience: Int
    ) async throws(HeadError) -> Bool

    /// Ends the try if it still runs, and removes what is left of it, or leaves it for as long as
    /// it is to be kept.
    ///
    /// - Parameter isSuccess: whether this try's result is what the run came to.
    func remove(
        _ id: TryID,
        isSuccess: Bool
    ) async throws(HeadError)
}
