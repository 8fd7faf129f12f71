// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials
import Glibc
import Names
import Staging

/// Where `fetch`, `tool` and `push` hand over, in one process or in three containers of a pod.
///
/// Files appear whole, by rename. The folder is on the job's volume but outside every root, so the
/// job's own paths never lead to it.
struct StateFolder: Sendable {
    /// One handed-over document.
    enum Document: String, Sendable {
        case spec = "spec.json"
        case attempt = "attempt.json"
        case fetched = "fetched.json"
        case tool = "tool.json"
        /// There once the tool's container has begun.
        case toolStarted = "tool.started"
    }

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
            try directory.replace(try RelativePath.one(document.rawValue.utf8), with: bytes)
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
            throw WorkerFailure(
                .usage,
                "\(directory.path) has no \(document.rawValue): the step before did not run here"
            )
        }
        return bytes
    }

    /// Opens the file whose lock the tool's process holds as long as it lives.
    func toolLock() throws(WorkerFailure) -> Descriptor {
        do throws(StagingError) {
            let name = try RelativePath.one("tool.lock".utf8)
            return try directory.open(name, O_RDWR | O_CREAT, mode: FileMode(0o666))
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
