// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import S3Client
import Staging

/// Before the tool: makes the roots what the spec says.
struct FetchPhase: Sendable {
    let attempt: Attempt
    let frames: FrameWriter
    /// The node's, if it has one.
    let cache: CachedFetch?

    /// What `push` needs to know of the fetch.
    struct HandOver: Codable, Sendable {
        var phase: PhaseReport
        /// Files of the job directory as they were before the tool ran.
        var stamps: [Stamp]
        /// Files that were made elsewhere: inputs, the tool's, reference data.
        var elsewhere: [FilePath] = []

        struct Stamp: Codable, Sendable {
            var path: FilePath
            var stamp: FileStamp
        }
    }

    func callAsFunction() async throws(WorkerFailure) -> HandOver {
        async let announced = announcement()
        let meter = PhaseMeter("fetch")
        let clock = PhaseClock(attempt.store.metrics)
        let made: [FilePath]
        do throws(StagingError) {
            let roots = try attempt.roots()
            let fetch = FetchRun(
                store: attempt.store,
                spec: attempt.spec,
                roots: roots,
                meter: meter,
                cache: cache
            )
            made = try await frames.showing({ meter.frame }) {
                () async throws(StagingError) -> [FilePath] in
                try await fetch()
            }
            try ready(roots)
        } catch {
            throw WorkerFailure(error, toolRan: false)
        }
        try await announced.get()
        let job = attempt.spec.job.directory
        return HandOver(
            phase: clock.report(meter),
            stamps: try stamps(),
            elsewhere: made.filter { !$0.isAtOrBelow(job) }
        )
    }

    /// Nobody waits for it before the tool.
    private func announcement() async -> Result<Void, WorkerFailure> {
        do throws(WorkerFailure) {
            return .success(try await attempt.announce())
        } catch {
            return .failure(error)
        }
    }

    /// Makes the directories that the streams' files go to.
    private func ready(_ roots: RootSet) throws(StagingError) {
        for path in attempt.spec.job.logs {
            if let parent = path.parent { try roots.makeDirectories(parent) }
        }
    }

    /// How the job directory looks before the tool changes it.
    private func stamps() throws(WorkerFailure) -> [HandOver.Stamp] {
        do throws(StagingError) {
            let directory = try attempt.roots().directory(attempt.spec.job.directory)
            return try TreeSurvey(directory).files.map { .init(path: $0.path, stamp: $0.stamp) }
        } catch {
            throw WorkerFailure(error, toolRan: false)
        }
    }
}

extension PhaseMeter {
    /// What has been counted, as a frame.
    var frame: WorkerFrame {
        let reading = reading
        return .progress(
            phase: phase,
            bytes: reading.bytes + reading.cachedBytes,
            totalBytes: reading.totalBytes,
            files: reading.files,
            totalFiles: reading.totalFiles
        )
    }
}
