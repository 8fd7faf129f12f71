// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import Synchronization
import Transport

/// Where the members of a pack go as they arrive.
package protocol PackTarget: Sendable {
    /// Opens the place for a new member, or refuses it.
    func create(_ path: FilePath, size: Int64) throws(StagingError) -> Descriptor
    /// The member at `path` is complete; `digest` is over the bytes that were written.
    func finish(
        _ path: FilePath,
        _ descriptor: Descriptor,
        digest: CRC64NVME,
        mode: FileMode,
        modified: FileTime
    ) throws(StagingError)
    /// What has come so far was damaged on its way, names included: removes it. All comes once more.
    func discard() throws(StagingError)
}

/// Unpacks a pack while it arrives, hashing as it goes; nothing is kept but the current member.
package final class PackSink: HTTPBodySink {
    private struct Progress: ~Copyable {
        var parser = TarParser()
        var hasher: SHA256Hasher? = SHA256Hasher()
        var current: Current?
    }

    private struct Current {
        var path: FilePath
        var member: TarMember
        var descriptor: Descriptor
        var offset: Int64 = 0
        var digest = CRC64NVME()
    }

    private let target: any PackTarget
    private let received: @Sendable (_ bytes: Int, _ files: Int) -> Void
    private let progress = Mutex(Progress())

    /// - Parameter received: told about bytes of the pack and finished members as they come.
    package init(
        into target: any PackTarget,
        received: @escaping @Sendable (_ bytes: Int, _ files: Int) -> Void
    ) {
        self.target = target
        self.received = received
    }

    package func begin(_ head: HTTPResponseHead) {}

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        let finished = try progress.withLock { progress throws(StagingError) in
            progress.hasher?.update(bytes)
            return try take(bytes, &progress)
        }
        received(bytes.count, finished)
    }

    /// The digest of all that came; throws if the archive has not come to its end.
    package func finish() throws(StagingError) -> SHA256Digest {
        try progress.withLock { progress throws(StagingError) in
            guard progress.parser.isFinished, let hasher = progress.hasher.take() else {
                throw TarParser.bad("no end")
            }
            return hasher.finalize()
        }
    }

    /// Works through one piece and says how many members came to their end.
    private func take(
        _ bytes: UnsafeRawBufferPointer,
        _ progress: inout Progress
    ) throws(StagingError) -> Int {
        var rest = bytes
        var finished = 0
        while let event = try progress.parser.next(&rest) {
            switch event {
            case .begin(let member):
                let path = try absolute(member.name)
                let descriptor = try target.create(path, size: member.size)
                progress.current = Current(path: path, member: member, descriptor: descriptor)
            case .contents(let count):
                let piece = UnsafeRawBufferPointer(rebasing: rest[..<count])
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                try write(piece, &progress)
            case .endOfMember:
                guard let current = progress.current.take() else { continue }
                try target.finish(
                    current.path,
                    current.descriptor,
                    digest: current.digest,
                    mode: current.member.mode,
                    modified: current.member.modified
                )
                finished += 1
            case .endOfArchive:
                continue
            }
        }
        return finished
    }

    private func write(
        _ piece: UnsafeRawBufferPointer,
        _ progress: inout Progress
    ) throws(StagingError) {
        guard var current = progress.current.take() else { return }
        try current.descriptor.write(piece, at: current.offset, name: current.path)
        current.offset += Int64(piece.count)
        current.digest.update(piece)
        progress.current = current
    }

    private func absolute(_ name: RelativePath) throws(StagingError) -> FilePath {
        try naming { () throws(NameError) in try FilePath.root.appending(name) }
    }
}
