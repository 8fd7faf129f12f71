// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// What can be done with runs. `PipelineWork` does it; tests script it.
protocol RunWork: Sendable {
    /// Reads a job's description, and notes its run on the disk: one that is there, or a new one.
    func open(_ submission: Submission) async throws(Refusal) -> OpenedRun

    /// The last run of a job that was not submitted here.
    func find(_ job: FilePath) async throws(Refusal) -> OpenedRun

    /// Takes the run from where it is to its end. It may be cancelled anywhere, and done again.
    func carry(
        _ run: OpenedRun,
        _ observe: @escaping RunObserver
    ) async throws(HeadError) -> RunEnding

    /// Whether a try has ever begun: then there is something to lose.
    func isUnderWay(_ run: OpenedRun) -> Bool

    /// Ends the run for good: the fence first, then its tries. It needs neither the description nor
    /// the notes: Galaxy may have removed them.
    ///
    /// - Parameters:
    ///   - tries: how many tries have been heard of.
    ///   - leavingResults: whether the run is over even if it has results.
    /// - Returns: how it ended; nil if it has results, and is not over.
    func end(
        _ run: OpenedRun,
        _ reason: RunResult.EndReason,
        _ message: String,
        tries: Int,
        leavingResults: Bool
    ) async throws(HeadError) -> RunEnding?

    /// Tells the bucket where Galaxy has put a job's outputs, so that the next job stages nothing.
    ///
    /// - Parameters:
    ///   - run: the run as it was opened; nil if another process had it.
    ///   - note: told what an administrator should know.
    func settle(
        _ finished: FinishedJob,
        _ run: OpenedRun?,
        _ note: @escaping @Sendable (String) -> Void
    ) async throws(HeadError)

    /// Notes on the disk that Galaxy has let go of a job, if the disk still has something of it: what its
    /// run left in the bucket may be freed. Without the note it stays as long as the job directory does.
    ///
    /// - Parameter run: which run; nil for the last one.
    func forget(_ job: FilePath, _ run: RunID?) async

    /// Brings the results of a run that has ended back once more.
    func collect(_ run: OpenedRun) async throws(HeadError) -> RunEnding
}
