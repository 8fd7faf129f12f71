// SPDX-License-Identifier: Apache-2.0

import Contract

/// Ends a run for good, whoever follows it: the fence first, so that from then on no worker's commit
/// counts, then its tries.
struct EndStep: Sendable {
    let desk: ResultDesk
    /// Made only when the fence stands: that there is none keeps nobody from fencing.
    let executor: @Sendable () throws(HeadError) -> any Executor

    /// What came of it.
    struct Outcome: Sendable {
        /// The result that counts, if the fence could be reached.
        var fence: Result<RunResult, HeadError>
        /// The first trouble with a try; it keeps no other try from being ended.
        var trouble: HeadError?
    }

    /// - Parameter folder: takes the run's folder, so that what is left of the tries can be removed;
    ///   nil where another head follows the run, and does that.
    func callAsFunction(
        _ state: RunState,
        _ reason: RunResult.EndReason,
        _ message: String,
        holding folder: () throws(HeadError) -> RunFolder?
    ) async -> Outcome {
        let fence = await fence(reason, message)
        // Whether or not it stands, the tool must not go on.
        return Outcome(fence: fence, trouble: await endTries(of: state, holding: folder))
    }

    private func fence(
        _ reason: RunResult.EndReason,
        _ message: String
    ) async -> Result<RunResult, HeadError> {
        do throws(HeadError) {
            return .success(try await desk.end(reason, message))
        } catch {
            return .failure(error)
        }
    }

    private func endTries(
        of state: RunState,
        holding folder: () throws(HeadError) -> RunFolder?
    ) async -> HeadError? {
        var trouble: HeadError?
        do throws(HeadError) {
            let executor = try executor()
            let tries = state.tryIDs
            for id in tries {
                do throws(HeadError) {
                    try await executor.stop(id)
                } catch {
                    trouble = trouble ?? error
                }
            }
            guard let folder = try folder() else { return trouble }
            for id in tries { try await executor.remove(id, isSuccess: false) }
            withExtendedLifetime(folder) {}
        } catch {
            trouble = trouble ?? error
        }
        return trouble
    }
}
