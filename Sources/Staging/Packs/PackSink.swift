// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import Synchronization
import Transport

/// Where the members of a pack go as they arrive: several at a time, and in no order.
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

/// Unpacks a pack while it arrives, hashing as it goes; of large members nothing is kept, of small ones a few
/// MiB that are being written.
package final class PackSink: HTTPBodySink {
    private struct Progress: ~Copyable {
        var parser = TarParser()
        var hasher: PackHasher?
        var current: Current?
    }

    private enum Current {
        case small(MemberWriters.Member)
        case large(Large)
    }

    private struct Large {
        var path: FilePath
        var header: TarMember
        var descriptor: Descriptor
        var offset: Int64 = 0
        var digest = CRC64NVME()
    }

    private let target: any PackTarget
    private let writers: MemberWriters
    private let received: @Sendable (_ bytes: Int, _ files: Int) -> Void
    private let progress: Mutex<Progress>

    /// - Parameters:
    ///   - digest: what is calculated of all that comes.
    ///   - received: told about bytes of the pack and members as they come.
    package init(
        into target: any PackTarget,
        digest: PackDigest.Kind,
        received: @escaping @Sendable (_ bytes: Int, _ files: Int) -> Void
    ) {
        self.target = target
        self.received = received
        writers = MemberWriters(into: target)
        progress = Mutex(Progress(hasher: PackHasher(digest)))
    }

    package func begin(_ head: HTTPResponseHead) {}

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        let finished = try progress.withLock { progress throws(StagingError) in
            progress.hasher?.update(bytes)
            return try take(bytes, &progress)
        }
        received(bytes.count, finished)
    }

    /// Waits until everything is in place, and gives the digest of all that came; throws if the archive has
    /// not come to its end.
    package func finish() async throws(StagingError) -> PackDigest {
        try await writers.finish()
        return try progress.withLock { progress throws(StagingError) in
            guard progress.parser.isFinished, let hasher = progress.hasher.take() else {
                throw TarParser.bad("no end")
            }
            return hasher.finalize()
        }
    }

    /// Waits until nothing is being written any more, after what went wrong.
    func settle() async { await writers.settle() }

    /// Works through one piece and says how many members came to their end.
    private func take(
        _ bytes: UnsafeRawBufferPointer,
        _ progress: inout Progress
    ) throws(StagingError) -> Int {
        var rest = bytes
        var finished = 0
        var small: [MemberWriters.Member] = []
        while let event = try progress.parser.next(&rest) {
            switch event {
            case .begin(let member):
                progress.current = try begin(member)
            case .contents(let count):
                let piece = UnsafeRawBufferPointer(rebasing: rest[..<count])
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                try write(piece, &progress)
            case .endOfMember:
                switch progress.current.take() {
                case .small(let member): small.append(member)
                case .large(let member): try finish(member)
                case nil: continue
                }
                finished += 1
            case .endOfArchive:
                continue
            }
        }
        if !small.isEmpty { try writers.add(small) }
        return finished
    }

    private func begin(_ member: TarMember) throws(StagingError) -> Current {
        let path = try absolute(member.name)
        if member.size <= MemberWriters.largestMember {
            var small = MemberWriters.Member(path: path, header: member)
            small.bytes.reserveCapacity(Int(member.size))
            return .small(small)
        }
        let descriptor = try target.create(path, size: member.size)
        return .large(Large(path: path, header: member, descriptor: descriptor))
    }

    private func write(
        _ piece: UnsafeRawBufferPointer,
        _ progress: inout Progress
    ) throws(StagingError) {
        switch progress.current.take() {
        case .small(var member):
            member.bytes += piece
            progress.current = .small(member)
        case .large(var member):
            try member.descriptor.write(piece, at: member.offset, name: member.path)
            member.offset += Int64(piece.count)
            member.digest.update(piece)
            progress.current = .large(member)
        case nil: return
        }
    }

    private func finish(_ member: Large) throws(StagingError) {
        try target.finish(
            member.path,
            member.descriptor,
            digest: member.digest,
            mode: member.header.mode,
            modified: member.header.modified
        )
    }

    private func absolute(_ name: RelativePath) throws(StagingError) -> FilePath {
        try naming { () throws(NameError) in try FilePath.root.appending(name) }
    }
}
