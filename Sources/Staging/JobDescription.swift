// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names

/// One Galaxy job as Galaxy knows it: which files it needs and where its results belong.
///
/// The plugin makes it from Galaxy's own lists; nothing is guessed from a command line. It is the
/// JSON document that `galaxy-head-node run --job` reads; docs/job-description.md explains it.
package struct JobDescription: VersionedDocument, Equatable {
    package static let currentVersion = 1

    package var version = JobDescription.currentVersion
    package var galaxyID: String
    package var toolID: String
    /// The container image; nil where the executor needs none.
    package var image: String?
    package var jobDirectory: FilePath
    package var workingDirectory: FilePath
    package var command: [ByteString]
    package var environment: [String: ByteString]
    package var inputs: [Input]
    package var toolFiles: [ToolFiles]
    package var referenceData: [ReferenceData]
    package var outputs: [Output]
    package var exitCodeFile: FilePath
    package var stdout: FilePath
    package var stderr: FilePath
    package var jobStdout: FilePath
    package var jobStderr: FilePath

    /// An input dataset with all that belongs to it.
    package struct Input: Codable, Sendable, Equatable {
        package var path: FilePath
        package var extraFiles: FilePath?
        package var metadataFiles: [FilePath]?
        /// Where Galaxy's own S3 object store has the dataset; `path` is then its place in the cache.
        package var object: StoreObject?
        /// Where Galaxy's own S3 object store has its extra files: what their keys begin with.
        package var extraFilesObject: StoreObject?
        /// Whether the file is Galaxy's own, in its file store on this disk, so that a link may take
        /// its place; nil for no.
        package var inFileStore: Bool?

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case path
            case extraFiles = "extra_files"
            case metadataFiles = "metadata_files"
            case object
            case extraFilesObject = "extra_files_object"
            case inFileStore = "in_file_store"
        }
    }

    /// A tool directory, whole or the files that the tool says it needs.
    package struct ToolFiles: Codable, Sendable, Equatable {
        package var root: FilePath
        package var files: [RelativePath]?

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case root
            case files
        }
    }

    /// A file, a directory, or the common beginning of several files' names (`…/hg38` for
    /// `…/hg38.1.bt2`).
    package struct ReferenceData: Codable, Sendable, Equatable {
        package var path: FilePath

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case path
        }
    }

    /// A file that Galaxy waits for.
    package struct Output: Codable, Sendable, Equatable {
        package var name: String
        package var path: FilePath
        package var extraFiles: FilePath?
        /// Where below the working directory Galaxy's script copies it from; for messages only.
        package var fromWorkDir: String?
        /// Where Galaxy's own S3 object store keeps the dataset; `path` is then its place in the cache.
        package var object: StoreObject?

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case name
            case path
            case extraFiles = "extra_files"
            case fromWorkDir = "from_work_dir"
            case object
        }
    }

    /// An object of Galaxy's own object store, as Galaxy knows it.
    package struct StoreObject: Codable, Sendable, Hashable {
        package var bucket: String
        package var key: ObjectKey
        /// As Galaxy's configuration has it; nil means AWS.
        package var endpoint: String?
        /// What Galaxy's database says, in bytes; nil where it does not know.
        package var size: Int64?

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case bucket
            case key
            case endpoint
            case size
        }

        package init(bucket: String, key: ObjectKey, endpoint: String? = nil, size: Int64? = nil) {
            self.bucket = bucket
            self.key = key
            self.endpoint = endpoint
            self.size = size
        }
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case version
        case galaxyID = "galaxy_id"
        case toolID = "tool_id"
        case image
        case jobDirectory = "job_directory"
        case workingDirectory = "working_directory"
        case command
        case environment
        case inputs
        case toolFiles = "tool_files"
        case referenceData = "reference_data"
        case outputs
        case exitCodeFile = "exit_code_file"
        case stdout
        case stderr
        case jobStdout = "job_stdout"
        case jobStderr = "job_stderr"
    }

    /// The files that the worker needs by name.
    package var jobFiles: JobFiles {
        JobFiles(
            directory: jobDirectory,
            exitCode: exitCodeFile,
            toolStdout: stdout,
            toolStderr: stderr,
            jobStdout: jobStdout,
            jobStderr: jobStderr
        )
    }

    /// Checks what can be checked without a look at the disk.
    package func validate() throws(StagingError) {
        func refuse(_ what: String) -> StagingError {
            StagingError(.job, what: "The job description cannot be carried out: \(what)")
        }
        guard GalaxyJobID(galaxyID) != nil else {
            throw refuse(
                "galaxy_id \"\(galaxyID.logSafe)\" is not 1 to 32 lower-case letters and digits"
            )
        }
        guard let program = command.first, program.bytes.first == FilePath.separator else {
            throw refuse("command must begin with the absolute path of a program")
        }
        for argument in command where argument.bytes.contains(0) {
            throw refuse("an argument of command holds a NUL")
        }
        for (name, value) in environment {
            guard Self.isEnvironmentName(name), !value.bytes.contains(0) else {
                throw refuse(
                    "environment holds \"\(name.logSafe)\", which is no name of letters, digits and "
                        + "_, or whose value holds a NUL"
                )
            }
        }
        for path in jobFiles.logs where !path.isAtOrBelow(jobDirectory) || path == jobDirectory {
            throw refuse("\(path) is not below the job directory \(jobDirectory)")
        }
        guard workingDirectory.isAtOrBelow(jobDirectory) else {
            throw refuse("working_directory is not below the job directory")
        }
        if let problem = OutputPlaces(self).problem { throw refuse(problem) }
        try checkOwnFolder(refuse)
    }

    /// What the head notes there never travels, so nothing of the job may be there.
    private func checkOwnFolder(
        _ refuse: (String) -> StagingError
    ) throws(StagingError) {
        let own: FilePath
        do throws(NameError) {
            own = try jobDirectory.appending(HeadState.directoryName)
        } catch {
            throw .name(error)
        }
        var paths = inputs.flatMap { [$0.path] + ($0.metadataFiles ?? []) }
        paths += inputs.compactMap(\.extraFiles) + outputs.compactMap(\.extraFiles)
        paths += outputs.map(\.path) + jobFiles.logs + [workingDirectory]
        for path in paths where path.isAtOrBelow(own) {
            throw refuse("\(path) is in \(own), which belongs to galaxy-head-node")
        }
    }

    /// The names that every shell can say (POSIX, Base Definitions, 8.1).
    private static func isEnvironmentName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first else { return false }
        return !isDigit(first)
            && bytes.allSatisfy { byte in
                isDigit(byte) || byte == UInt8(ascii: "_")
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
