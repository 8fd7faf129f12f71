// SPDX-License-Identifier: Apache-2.0

import CLinux
import Contract
import Diagnostics
import Digests
import Glibc
import Names
import Staging

/// The head's own folder in a job directory, held by one head at a time.
///
/// Files appear whole, by rename, and are flushed before anything depends on them.
final class RunFolder: Sendable {
    private let directory: Directory
    private let lock: Descriptor

    /// Opens the folder of the job in `jobDirectory` and takes its lock.
    ///
    /// - Throws: `.busy`, naming the process, when another head has it.
    init(jobDirectory: FilePath) throws(HeadError) {
        do throws(StagingError) {
            let name = try Self.name(HeadState.directoryName)
            let job = try Directory(path: jobDirectory)
            try job.makeDirectories(name)
            directory = try job.directory(name)
            lock = try directory.open(
                Self.name("lock"),
                O_RDWR | O_CREAT,
                mode: FileMode(0o600)
            )
        } catch {
            throw HeadError(error, doing: "Cannot keep notes in the job directory")
        }
        try takeLock()
    }

    /// What was noted; nil before the first note.
    func state() throws(HeadError) -> RunState? {
        guard let bytes = try read("run.json") else { return nil }
        return try RunState(note: bytes, at: try place(of: "run.json"))
    }

    /// Notes the state, on the disk before this returns.
    func note(_ state: RunState) throws(HeadError) {
        try write(try state.note(), as: "run.json")
    }

    /// Keeps the spec, so that collecting needs no more than the report.
    func keep(spec bytes: [UInt8]) throws(HeadError) { try write(bytes, as: "spec.json") }

    /// Keeps what the run has cost, for Galaxy's job metrics.
    func keep(_ figures: JobFigures) throws(HeadError) {
        try write(try Self.encode(figures), as: "figures.json")
    }

    /// Keeps what a pod's containers have said.
    func keep(
        log bytes: [UInt8],
        ofPod pod: String
    ) throws(HeadError) {
        // A DNS name (RFC 1123), which is a file name too.
        try write(bytes, as: "pod-\(pod).log")
    }

    /// The spec, if it was kept.
    func spec() throws(HeadError) -> [UInt8]? { try read("spec.json") }

    private func takeLock() throws(HeadError) {
        if flock(lock.raw, LOCK_EX | LOCK_NB) != 0 {
            let holder = (try? lock.readAll(limit: 64, name: directory.path)).map(\.logSafe) ?? ""
            throw HeadError(
                .busy,
                what: "Another galaxy-head-node has this job\(holder.isEmpty ? "" : ": \(holder)")",
                place: directory.path.logSafe,
                remedy: "Wait for it, or end it; the run itself goes on either way."
            )
        }
        let text = Array("process \(getpid())".utf8)
        ftruncate(lock.raw, 0)
        _ = pwrite(lock.raw, text, text.count, 0)
    }

    private func place(of file: String) throws(HeadError) -> FilePath {
        do throws(StagingError) { return try directory.name(try Self.name(file)) } catch {
            throw HeadError(error, doing: "Cannot read the head's notes")
        }
    }

    private func read(_ file: String) throws(HeadError) -> [UInt8]? {
        do throws(StagingError) {
            let name = try Self.name(file)
            guard try directory.status(name) != nil else { return nil }
            return try directory.open(name, O_RDONLY | O_NOFOLLOW)
                .readAll(limit: ContractCoding.largestDocument, name: try directory.name(name))
        } catch {
            throw HeadError(error, doing: "Cannot read the head's notes")
        }
    }

    private func write(
        _ bytes: [UInt8],
        as file: String
    ) throws(HeadError) {
        do throws(StagingError) {
            try directory.replace(try Self.name(file), with: bytes)
        } catch {
            throw HeadError(error, doing: "Cannot write the head's notes")
        }
    }

    private static func encode(_ value: some Encodable) throws(HeadError) -> [UInt8] {
        do throws(ContractError) {
            return try ContractCoding.encode(value)
        } catch {
            throw HeadError(.machine, what: error.what)
        }
    }

    private static func name(_ text: String) throws(StagingError) -> RelativePath {
        try naming { () throws(NameError) in try RelativePath(text) }
    }
}
