// SPDX-License-Identifier: Apache-2.0

import Contract
import Staging

/// Ends a run for good, whoever follows it: the fence first, so that from then on no worker's commit
/// counts, then its tries.
struct EndStep: Sendable {
    let desk: ResultDesk
    /// Made only when the fence stands: that there is none keeps nobody from fencing.
    let executor: @Sendable () throws(HeadError) -> any Executor
    /// How long the ends of all tries together may be waited for, in seconds.
    var patience = 0

    /// What came of it.
    struct Outcome: Sendable {
        /// The result that counts, if the fence could be reached.
        var fence: Result<RunResult, HeadError>
        /// The first trouble with a try; it keeps no other try from being ended.
        var trouble: HeadError?
        /// Tries that were told to end, and had not when patience was over. It is no trouble: nothing
        /// that they store counts any more.
        var lingering: [TryID] = []
    }

    /// - Parameter folder: takes the run's folder, so that what is left of the tries can be removed;
    ///   nil where another head follows the run, and does that.
    func callAsFunction(
        _ state: RunState,
        _ reason: RunResult.EndReason,
        _ message: String,
        holding folder: () throws(HeadError) -> RunFolder?
    ) async -> Outcome {
        var outcome = Outcome(fence: await fence(reason, message))
        // Whether or not it stands, the tool must not go on.
        await endTries(of: state, holding: folder, &outcome)
        return outcome
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
        holding folder: () throws(HeadError) -> RunFolder?,
        _ outcome: inout Outcome
    ) async {
        let end = Clock.monotonicSeconds() + Double(patience)
        do throws(HeadError) {
            let executor = try executor()
            for id in state.tryIDs {
                do throws(HeadError) {
                    let left = max(0, end - Clock.monotonicSeconds())
                    if try await !executor.stop(id, patience: Int(left.rounded(.up))) {
                        outcome.lingering.append(id)
                    }
                } catch {
                    outcome.trouble = outcome.trouble ?? error
                }
            }
            guard let folder = try folder() else { return }
            for id in state.tryIDs { try await executor.remove(id, isSuccess: false) }
            withExtendedLifetime(folder) {}
        } catch {
            outcome.trouble = outcome.trouble ?? error
        }
    }
}
