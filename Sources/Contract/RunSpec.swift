// SPDX-License-Identifier: Apache-2.0

import Digests
import Names

/// What the head promises the worker: everything about one run, written once and never changed.
///
/// Its SHA-256 stands on the worker's command line. It holds no secret. Where the store is, is
/// said on the command line too, because the worker needs it to read this.
package struct RunSpec: VersionedDocument, Equatable {
    package static let currentVersion = 1

    package var version = RunSpec.currentVersion
    package var run: RunID
    package var layout: Layout
    /// The program and its arguments; the program is an absolute path in the tool's image or below
    /// a root.
    package var command: [ByteString]
    package var workingDirectory: FilePath
    /// Added to what the container has; names are checked by the head.
    package var environment: [String: ByteString]
    /// The directories of Galaxy's that the job sees at the same path, none below another.
    package var roots: [FilePath]
    /// Made before anything else; parents may be missing from the list.
    package var directories: [DirectoryEntry]
    /// Symbolic links; every target stays inside the roots.
    package var links: [LinkEntry]
    /// Fetched and unpacked; members are absolute paths without their first slash.
    package var packs: [PackEntry]
    /// Fetched one by one.
    package var inputs: [InputEntry]
    package var outputs: [OutputEntry]
    package var job: JobFiles
    package var push: PushRules
    package var limits: Limits

    package struct Layout: Codable, Sendable, Equatable {
        package var prefix: KeyPrefix
        package var instance: InstanceName

        package init(_ layout: JobLayout) {
            prefix = layout.prefix
            instance = layout.instance
        }

        /// The keys of this run's objects.
        package var keys: JobLayout { JobLayout(prefix: prefix, instance: instance) }
    }

    package init(
        run: RunID,
        layout: JobLayout,
        command: [ByteString],
        workingDirectory: FilePath,
        environment: [String: ByteString],
        roots: [FilePath],
        directories: [DirectoryEntry],
        links: [LinkEntry],
        packs: [PackEntry],
        inputs: [InputEntry],
        outputs: [OutputEntry],
        job: JobFiles,
        push: PushRules,
        limits: Limits
    ) {
        self.run = run
        self.layout = Layout(layout)
        self.command = command
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.roots = roots
        self.directories = directories
        self.links = links
        self.packs = packs
        self.inputs = inputs
        self.outputs = outputs
        self.job = job
        self.push = push
        self.limits = limits
    }
}

/// A directory to make, with the mode and time it ends up with.
package struct DirectoryEntry: Codable, Sendable, Hashable {
    package var path: FilePath
    package var mode: FileMode
    package var modified: FileTime

    package init(path: FilePath, mode: FileMode, modified: FileTime) {
        self.path = path
        self.mode = mode
        self.modified = modified
    }
}

/// A symbolic link, its target spelled as it was found.
package struct LinkEntry: Codable, Sendable, Hashable {
    package var path: FilePath
    package var target: ByteString

    package init(path: FilePath, target: ByteString) {
        self.path = path
        self.target = target
    }
}

/// A file that travels as an object of its own.
package struct InputEntry: Codable, Sendable, Hashable {
    package var path: FilePath
    package var key: ObjectKey
    package var size: Int64
    /// nil only for an object of Galaxy's whose digest nobody has noted.
    package var digest: CRC64NVME?
    package var mode: FileMode
    package var modified: FileTime
    /// Set for an object of Galaxy's own object store, which is read and never written.
    package var galaxyObject: GalaxyObject?
    /// Whether a node's cache may keep its bytes for other jobs; nil for no.
    package var isShared: Bool?

    package init(
        path: FilePath,
        key: ObjectKey,
        size: Int64,
        digest: CRC64NVME?,
        mode: FileMode,
        modified: FileTime,
        galaxyObject: GalaxyObject? = nil,
        isShared: Bool? = nil
    ) {
        self.path = path
        self.key = key
        self.size = size
        self.digest = digest
        self.mode = mode
        self.modified = modified
        self.galaxyObject = galaxyObject
        self.isShared = isShared
    }
}

/// Which version of an object of Galaxy's a job reads.
package struct GalaxyObject: Codable, Sendable, Hashable {
    /// Every request for its bytes asks for this version and no other.
    package var eTag: String

    package init(eTag: String) { self.eTag = eTag }
}

/// A file that Galaxy waits for.
package struct OutputEntry: Codable, Sendable, Hashable {
    /// The tool's own word for it, for messages.
    package var name: String
    package var path: FilePath
    /// The directory of its extra files, if Galaxy named one.
    package var extraFiles: FilePath?
    /// Whether it must travel as an object of its own, however small: in `link` and `object_store`
    /// mode the object is the output.
    package var ownObject: Bool
    /// Where Galaxy's own object store keeps it, in the same bucket: the head copies it there when the
    /// run has been committed. The worker has no use for it.
    package var galaxyKey: ObjectKey?

    package init(
        name: String,
        path: FilePath,
        extraFiles: FilePath?,
        ownObject: Bool,
        galaxyKey: ObjectKey? = nil
    ) {
        self.name = name
        self.path = path
        self.extraFiles = extraFiles
        self.ownObject = ownObject
        self.galaxyKey = galaxyKey
    }
}

/// Where the parts of a Galaxy job directory are that the worker needs by name.
package struct JobFiles: Codable, Sendable, Hashable {
    package var directory: FilePath
    /// Where Galaxy's script writes the tool's exit code.
    package var exitCode: FilePath
    /// Where Galaxy's script sends the tool's streams; followed while the tool runs.
    package var toolStdout: FilePath
    package var toolStderr: FilePath
    /// Where the worker sends the script's own streams.
    package var jobStdout: FilePath
    package var jobStderr: FilePath

    package init(
        directory: FilePath,
        exitCode: FilePath,
        toolStdout: FilePath,
        toolStderr: FilePath,
        jobStdout: FilePath,
        jobStderr: FilePath
    ) {
        self.directory = directory
        self.exitCode = exitCode
        self.toolStdout = toolStdout
        self.toolStderr = toolStderr
        self.jobStdout = jobStdout
        self.jobStderr = jobStderr
    }

    /// The logs and the exit code: what is pushed first and whatever happens.
    package var logs: [FilePath] { [exitCode, toolStdout, toolStderr, jobStdout, jobStderr] }
}

/// What the worker stores when the tool is done.
package struct PushRules: Codable, Sendable, Hashable {
    /// What to store when the tool has failed.
    package enum OnFailure: String, Codable, Sendable, CaseIterable {
        /// As if it had not.
        case all
        /// The declared outputs and the logs.
        case declared
        /// The logs and the exit code.
        case logs
    }

    package var onFailure: OnFailure
    /// Names directly in the job directory that stay in the pod, with all below them.
    package var leaveBehind: [ByteString]
    /// Files of at most this many bytes travel in packs.
    package var packBelow: Int64
    /// What the report is to say of packs; nil for SHA-256, of a head that is older than the worker and
    /// knows nothing else.
    package var packDigest: PackDigest.Kind?

    package init(
        onFailure: OnFailure,
        leaveBehind: [ByteString],
        packBelow: Int64,
        packDigest: PackDigest.Kind? = nil
    ) {
        self.onFailure = onFailure
        self.leaveBehind = leaveBehind
        self.packBelow = packBelow
        self.packDigest = packDigest
    }
}

/// How long and how much.
package struct Limits: Codable, Sendable, Hashable {
    /// The tool is stopped after this many seconds; nil for no limit.
    package var walltimeSeconds: Int64?
    /// How long the worker goes on trying to store results, in seconds.
    package var pushSeconds: Int64
    /// How long a tool told to end may take before it is killed, in seconds.
    package var graceSeconds: Int64
    /// Whole-object transfers at once.
    package var transfers: Int

    package init(
        walltimeSeconds: Int64? = nil,
        pushSeconds: Int64 = 3600,
        graceSeconds: Int64 = 20,
        transfers: Int = 16
    ) {
        self.walltimeSeconds = walltimeSeconds
        self.pushSeconds = pushSeconds
        self.graceSeconds = graceSeconds
        self.transfers = transfers
    }
}
