// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials
import Glibc
import Names
import Staging

/// What `tool` says to `push`, in the one folder of theirs that the tool itself can change.
///
/// Held open since before the tool began. While the tool runs it may do anything here; what it
/// leaves in the way is removed when nothing of it runs any more, and only then the outcome is
/// written.
struct ToolFolder: Sendable {
    let directory: Directory

    private struct HandOver: Codable {
        var tool: ToolOutcome
        /// Whether this container was told to stop; the one beside it may hear of that later.
        var wasTold: Bool
    }

    private static let started = Array("tool.started".utf8)
    private static let outcome = Array("tool.json".utf8)
    private static let temporary = Array("tool.json.new".utf8)
    private static let room = Array("tool.room".utf8)
    /// An outcome is a few hundred bytes.
    private static let largestOutcome = 64 << 10
    /// Room for an outcome, in bytes.
    private static let reserve = 16 << 10

    /// Takes room for the outcome, before there is a tool that could fill the volume.
    func prepare() throws(StagingError) {
        try directory.replace(
            try RelativePath.one(Self.room),
            with: [UInt8](repeating: 0, count: Self.reserve),
            isFlushed: false
        )
    }

    /// Says that the process of `tool` has the lock.
    func begin() throws(WorkerFailure) {
        do throws(StagingError) {
            try directory.replace(
                try RelativePath.one(Self.started),
                with: [],
                isFlushed: false
            )
        } catch {
            throw WorkerFailure(.io, error)
        }
    }

    /// Whether `begin` has been called, or the tool makes believe so; false says nothing.
    var hasBegun: Bool {
        guard let name = try? RelativePath.one(Self.started) else { return false }
        return ((try? directory.status(name)) ?? nil) != nil
    }

    /// Writes the outcome, when nothing of the tool runs any more.
    func write(_ outcome: ToolPhase.Outcome) throws(WorkerFailure) {
        let bytes: [UInt8]
        do throws(ContractError) {
            bytes = try ContractCoding.encode(
                HandOver(tool: outcome.tool, wasTold: outcome.wasTold)
            )
        } catch {
            throw WorkerFailure(.bug, error)
        }
        do throws(StagingError) {
            try directory.allowOwnEntry()
            for name in [Self.room, Self.temporary, Self.outcome] {
                try clear(try RelativePath.one(name))
            }
            try directory.replace(
                try RelativePath.one(Self.outcome),
                with: bytes,
                isFlushed: false
            )
        } catch {
            throw WorkerFailure(.io, error)
        }
    }

    private func clear(_ name: RelativePath) throws(StagingError) {
        guard try directory.status(name)?.kind == .directory else {
            return try directory.remove(name)
        }
        try directory.allowEntry(name)
        try TreeRemoval.remove(
            try naming { () throws(NameError) in
                try directory.path.appending(name)
            }
        )
    }

    /// The outcome; nil if there is none that makes sense, as when `tool` was killed.
    func outcome() -> ToolPhase.Outcome? {
        guard let name = try? RelativePath.one(Self.outcome),
            // A tool may have left a pipe, which must not be waited for.
            let file = try? directory.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
            (try? file.status())?.kind == .file,
            let bytes = try? file.readAll(limit: Self.largestOutcome, name: directory.path)
        else { return nil }
        guard let found = try? JSONDecoder().decode(HandOver.self, from: Data(bytes)),
            found.tool.problem == nil
        else { return nil }
        return found.wasTold ? .stopped(found.tool) : .ended(found.tool)
    }
}
