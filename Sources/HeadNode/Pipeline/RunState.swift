// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests

/// What the head notes of a run in the job directory, so that another head can go on.
///
/// It is written whole before each step that must not happen twice. Everything else is asked of
/// the bucket and the executor.
struct RunState: VersionedDocument, Equatable {
    static let currentVersion = 1

    var version = RunState.currentVersion
    var run: RunID
    /// The description's digest: another description is another job.
    var descriptionSHA256: SHA256Digest
    /// Where it lives; nil in notes of releases that did not say so.
    var place: RunPlace?
    /// nil until the spec is in the bucket.
    var specSHA256: SHA256Digest?
    /// What staging cost; nil until it is done, and in notes of releases that did not keep it.
    var stage: PhaseReport?
    var tries: [Try] = []
    /// How it ended; nil while it goes on.
    var ending: RunEnding?

    /// One try and what became of it.
    struct Try: Codable, Sendable, Equatable {
        var number: Int
        /// What the executor calls it; nil where its id is enough, and in notes of older releases.
        var name: String?
        /// nil while it goes on.
        var verdict: String?
        var isDisruption = false
        /// What its verdict asks for and nobody has done yet. It is noted with the verdict: whoever goes
        /// on does it before anything else, so that no try is made which the verdict rules out.
        var due: Due?
        /// Whether the executor has it: then it is looked for, and not begun again. false if it has
        /// been refused; nil while that is open.
        var isSubmitted: Bool?
    }

    /// What has to follow a try.
    enum Due: Codable, Sendable, Equatable {
        /// The run ends for this reason, unless it has a result.
        case end(RunResult.EndReason, String)
        /// The inputs are looked at, and staged again where they are lost.
        case restage
    }

    init(run: RunID, descriptionSHA256: SHA256Digest, place: RunPlace) {
        self.run = run
        self.place = place
        self.descriptionSHA256 = descriptionSHA256
    }

    /// The try that has no verdict yet.
    var openTry: TryID? { tries.last { $0.verdict == nil }.map(id) }

    /// Whether anything may ever have run.
    var hasBegun: Bool { tries.contains { $0.isSubmitted != false } }

    /// All tries that have begun, in order.
    var tryIDs: [TryID] { tries.map(id) }

    /// Under which name the try is known to the executor.
    func id(_ noted: Try) -> TryID { TryID(run: run, number: noted.number, name: noted.name) }
}

/// How a run ended, for Galaxy and for people.
struct RunEnding: Codable, Sendable, Equatable {
    enum State: String, Codable, Sendable {
        /// The tool ran to its end with exit code 0, and everything is in place.
        case ok
        /// The tool ran to its end with another exit code, and everything is in place.
        case toolFailed = "tool_failed"
        case outOfMemory = "memory_limit_reached"
        case walltime = "walltime_reached"
        /// The run came to nothing.
        case failed
        case cancelled
    }

    var state: State
    var exitCode: Int?
    /// One clear sentence, or nothing when there is nothing to add.
    var message: String
    var phases: [PhaseReport]
    /// What the attempt left behind in the pod and why.
    var refused: [String]
    var cpuSeconds: Double
    var peakResidentBytes: Int64

    /// Whether the tool ran to its end, and what it made was brought back.
    var hasResults: Bool { state == .ok || state == .toolFailed }
}
