// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials
import Glibc
import Names
import Staging

/// Where `fetch`, `tool` and `push` hand over when each has a container of its own; in one process
/// they hand over in memory.
///
/// ```
/// <state>/spec.json, attempt.json, fetched.json   from fetch; the tool's container can only read
///         tool.lock                               held as long as the process of `tool` lives
///         tool.ended                              the pod's: the tool's container is gone
///         tool/tool.started, tool.json            from tool: the one part that a tool can change
///              tool.room                          room for tool.json, should the tool fill the volume
/// ```
///
/// The tool's container mounts the folder read-only and `tool` inside it writable, so all that a
/// tool can do is to say what it could have said anyway, with an exit code of its own. What stands
/// in `tool` is input: read with a limit, and a document that is missing or makes no sense is the
/// same as a process that was killed. Files appear whole, by rename, and are not flushed: who reads
/// them lives no longer than the kernel that both run on. The folder is on the job's
/// volume but outside every root, so the job's own paths never lead to it.
struct StateFolder: Sendable {
    /// One handed-over document of `fetch`, or the pod's.
    enum Document: String, Sendable {
        case spec = "spec.json"
        case attempt = "attempt.json"
        case fetched = "fetched.json"
        /// There once the tool's container is gone, where who runs the pod says so.
        case toolEnded = "tool.ended"
    }

    private static let lockName = Array("tool.lock".utf8)
    private static let toolName = Array("tool".utf8)

    let directory: Directory

    /// Opens the folder, and makes it if it is not there.
    init(path: FilePath) throws(WorkerFailure) {
        do throws(StagingError) {
            if path != .root, let parent = path.parent {
                let relative = try RelativePath.one(path.lastComponent)
                try Directory(path: parent).makeDirectories(relative)
            }
            directory = try Directory(path: path)
        } catch {
            throw WorkerFailure(.io, error)
        }
    }

    /// Writes a document, whole or not at all.
    func write(
        _ bytes: [UInt8],
        as document: Document
    ) throws(WorkerFailure) {
        do throws(StagingError) {
            try directory.replace(
                try RelativePath.one(document.rawValue.utf8),
                with: bytes,
                isFlushed: false
            )
        } catch {
            throw WorkerFailure(.io, error)
        }
    }

    /// Reads a document; nil if it is not there yet.
    func read(_ document: Document) throws(WorkerFailure) -> [UInt8]? {
        do throws(StagingError) {
            let name = try RelativePath.one(document.rawValue.utf8)
            guard try directory.status(name) != nil else { return nil }
            let file = try directory.open(name, O_RDONLY | O_NOFOLLOW)
            return try file.readAll(
                limit: ContractCoding.largestDocument,
                name: try directory.name(name)
            )
        } catch {
            throw WorkerFailure(.io, error)
        }
    }

    /// Reads a document that must be there, because the verb before has written it.
    func require(_ document: Document) throws(WorkerFailure) -> [UInt8] {
        guard let bytes = try read(document) else {
            throw missing(document.rawValue)
        }
        return bytes
    }

    private func missing(_ name: String) -> WorkerFailure {
        WorkerFailure(
            .usage,
            "\(directory.path) has no \(name): the step before did not run here"
        )
    }

    /// Makes what `tool` needs and cannot make: the file that it locks, its own folder, and room there
    /// for what it has to say.
    func prepareForTool() throws(WorkerFailure) {
        do throws(StagingError) {
            let folder = try RelativePath.one(Self.toolName)
            try directory.makeDirectories(folder)
            try ToolFolder(directory: try directory.directory(folder)).prepare()
            _ = try directory.open(
                try RelativePath.one(Self.lockName),
                O_RDONLY | O_CREAT,
                mode: FileMode(0o644)
            )
        } catch {
            throw WorkerFailure(.io, error)
        }
    }

    /// Opens the file whose lock the process of `tool` holds as long as it lives. For reading: that
    /// is enough for flock(2), and the tool's container has no more.
    func toolLock() throws(WorkerFailure) -> Descriptor {
        do throws(StagingError) {
            return try directory.open(try RelativePath.one(Self.lockName), O_RDONLY)
        } catch {
            if error.code == .missing { throw missing("tool.lock") }
            throw WorkerFailure(.io, error)
        }
    }

    /// Opens the folder that `tool` writes to.
    func toolFolder() throws(WorkerFailure) -> ToolFolder {
        do throws(StagingError) {
            return ToolFolder(directory: try directory.directory(RelativePath.one(Self.toolName)))
        } catch {
            throw WorkerFailure(.io, error)
        }
    }

    /// Writes a value as JSON.
    func write(
        _ value: some Encodable,
        as document: Document
    ) throws(WorkerFailure) {
        let bytes: [UInt8]
        do throws(ContractError) {
            bytes = try ContractCoding.encode(value)
        } catch {
            throw WorkerFailure(.bug, error)
        }
        try write(bytes, as: document)
    }

    /// Reads a JSON value that must be there.
    func require<Value: Decodable>(
        _ type: Value.Type,
        from document: Document
    ) throws(WorkerFailure) -> Value {
        let bytes = try require(document)
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw WorkerFailure(
                .usage,
                "\(document.rawValue) cannot be read: \(JSONProblem.text(for: error))"
            )
        }
    }
}

extension RelativePath {
    /// A single name that is known to be good, or an error like any other.
    static func one(_ name: some Sequence<UInt8>) throws(StagingError) -> RelativePath {
        do throws(NameError) {
            return try RelativePath(name)
        } catch {
            throw .name(error)
        }
    }
}
