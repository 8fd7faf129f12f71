// SPDX-License-Identifier: Apache-2.0

import Digests
import Names

/// What the worker says happened in one attempt: written once, last, before the commit.
package struct AttemptReport: VersionedDocument, Equatable {
    package static let currentVersion = 1

    package var version = AttemptReport.currentVersion
    package var run: RunID
    package var attempt: AttemptID
    package var specSHA256: SHA256Digest
    package var worker: String
    package var tool: ToolOutcome
    /// Everything pushed, by path; the head takes exactly this.
    package var files: [PushedFile]
    package var directories: [DirectoryEntry]
    package var links: [LinkEntry]
    package var packs: [PackEntry]
    /// What was left behind and why, one sentence each, each naming a path.
    package var refused: [String]
    /// Declared outputs that did not come back, or not whole, one sentence each: a tool that leaves
    /// any has not succeeded, whatever its exit code.
    package var lost: [String]
    package var phases: [PhaseReport]
    /// Why this attempt was not committed; nil for one that may be.
    package var failure: AttemptFailure?

    /// Whether the tool came to a good end, and left all that Galaxy waits for.
    package var isSuccess: Bool { tool.end == .ended && tool.exitCode == 0 && lost.isEmpty }

    package init(
        run: RunID,
        attempt: AttemptID,
        specSHA256: SHA256Digest,
        worker: String,
        tool: ToolOutcome,
        files: [PushedFile],
        directories: [DirectoryEntry],
        links: [LinkEntry],
        packs: [PackEntry],
        refused: [String],
        lost: [String] = [],
        phases: [PhaseReport],
        failure: AttemptFailure? = nil
    ) {
        self.run = run
        self.attempt = attempt
        self.specSHA256 = specSHA256
        self.worker = worker
        self.tool = tool
        self.files = files
        self.directories = directories
        self.links = links
        self.packs = packs
        self.refused = refused
        self.lost = lost
        self.phases = phases
        self.failure = failure
    }
}

/// Why an attempt came to nothing.
package struct AttemptFailure: Codable, Sendable, Equatable {
    /// The worker's exit status, see `WorkerExit`.
    package var status: Int32
    package var message: String

    package init(_ exit: WorkerExit, message: String) {
        status = exit.rawValue
        self.message = message
    }
}

/// How the tool ended.
package struct ToolOutcome: Codable, Sendable, Equatable {
    package enum End: String, Codable, Sendable {
        /// The job script ran to its end and left an exit code.
        case ended
        /// The job script ended without leaving an exit code that can be read.
        case noExitCode
        /// The job script could not be started.
        case notStarted
        /// Stopped at the walltime.
        case walltime
        /// Killed because the container ran out of memory.
        case outOfMemory
    }

    package var end: End
    /// From Galaxy's own exit code file; nil unless it held 0 to 255. Never guessed.
    package var exitCode: Int?
    /// How the job script itself ended: its status, or 128 + the signal.
    package var scriptStatus: Int?
    /// One sentence, when there is more to say than the codes.
    package var detail: String?
    package var seconds: Double
    /// User and system time of everything the tool ran, in seconds.
    package var cpuSeconds: Double
    /// The largest resident set of any one of its processes, in bytes.
    package var peakResidentBytes: Int64

    package init(
        end: End,
        exitCode: Int?,
        scriptStatus: Int?,
        detail: String? = nil,
        seconds: Double = 0,
        cpuSeconds: Double = 0,
        peakResidentBytes: Int64 = 0
    ) {
        self.end = end
        self.exitCode = exitCode
        self.scriptStatus = scriptStatus
        self.detail = detail
        self.seconds = seconds
        self.cpuSeconds = cpuSeconds
        self.peakResidentBytes = peakResidentBytes
    }

    /// Whether Galaxy would call this a tool that worked.
    package var succeeded: Bool { end == .ended && exitCode == 0 }
}

/// One file that an attempt stored.
package struct PushedFile: Codable, Sendable, Hashable {
    package enum Location: Sendable, Hashable {
        /// An object of its own.
        case object(ObjectKey)
        /// A member of the report's pack with this index.
        case pack(Int)
    }

    package var path: FilePath
    package var size: Int64
    package var digest: CRC64NVME
    package var mode: FileMode
    package var modified: FileTime
    package var location: Location

    package init(
        path: FilePath,
        size: Int64,
        digest: CRC64NVME,
        mode: FileMode,
        modified: FileTime,
        location: Location
    ) {
        self.path = path
        self.size = size
        self.digest = digest
        self.mode = mode
        self.modified = modified
        self.location = location
    }
}

/// What one phase cost.
package struct PhaseReport: Codable, Sendable, Equatable {
    /// `stage`, `fetch`, `tool`, `push` or `collect`.
    package var name: String
    package var seconds: Double
    /// Bytes moved to or from the store.
    package var bytes: Int64
    /// Files moved, members of packs included.
    package var files: Int
    /// Of those, members of packs.
    package var packed: Int
    /// Requests to the store, retries included.
    package var requests: Int
    package var retries: Int
    /// Of the files, those that the node's cache had, so that the store was not asked; nil for none.
    package var cachedFiles: Int?
    /// Bytes that came from there, not counted in `bytes`; nil for none.
    package var cachedBytes: Int64?
    /// What an administrator should know of it, one sentence each; nil for nothing.
    package var notes: [String]?

    package init(
        name: String,
        seconds: Double,
        bytes: Int64 = 0,
        files: Int = 0,
        packed: Int = 0,
        requests: Int = 0,
        retries: Int = 0,
        cachedFiles: Int? = nil,
        cachedBytes: Int64? = nil,
        notes: [String]? = nil
    ) {
        self.name = name
        self.seconds = seconds
        self.bytes = bytes
        self.files = files
        self.packed = packed
        self.requests = requests
        self.retries = retries
        self.cachedFiles = cachedFiles
        self.cachedBytes = cachedBytes
        self.notes = notes
    }
}

/// An attempt's first sign of life.
package struct AttemptStarted: VersionedDocument, Equatable {
    package static let currentVersion = 1

    package var version = AttemptStarted.currentVersion
    package var run: RunID
    package var attempt: AttemptID
    package var worker: String

    package init(run: RunID, attempt: AttemptID, worker: String) {
        self.run = run
        self.attempt = attempt
        self.worker = worker
    }
}
