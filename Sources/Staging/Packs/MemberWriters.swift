// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import Synchronization

/// Puts small members of a pack in place, in no order, while more of the pack comes: making a file costs
/// more than its bytes do.
final class MemberWriters: Sendable {
    /// What is larger is written as it comes, and never whole in memory.
    static let largestMember: Int64 = 256 << 10

    /// A member that has come whole.
    struct Member: Sendable {
        let path: FilePath
        let header: TarMember
        var bytes: [UInt8] = []

        /// What it takes of memory, names included, roughly.
        var memoryBytes: Int { bytes.count + 2 * path.bytes.count + 512 }
    }

    /// Members that wait for a thread.
    private struct Batch: Sendable {
        let members: [Member]
        let bytes: Int
        let room: PartMemory.Room
    }

    /// What may wait in a process, in bytes.
    static let memoryOfThisProcess = PartMemory(bytes: 8 << 20)

    /// Threads of one pack: a directory takes one new name at a time, so more would wait for each other.
    private static let mostThreads = 2
    /// What may wait for them, in bytes. Of more, whoever brings it writes it.
    private static let mostBytesWaiting = 2 << 20

    private struct State {
        var waiting: [Batch] = []
        var bytesWaiting = 0
        var threads = 0
        var failure: StagingError?
        var whenIdle: CheckedContinuation<Void, Never>?
    }

    private let target: any PackTarget
    private let memory: PartMemory
    private let state = Mutex(State())

    init(into target: any PackTarget, memory: PartMemory = memoryOfThisProcess) {
        self.target = target
        self.memory = memory
    }

    /// Takes members that have come together. May block.
    ///
    /// - Throws: what went wrong with others.
    func add(_ members: [Member]) throws(StagingError) {
        enum Way { case here, thread, line }
        let bytes = members.reduce(0) { $0 + $1.memoryBytes }
        let way = try state.withLock { state throws(StagingError) -> Way in
            if let failure = state.failure { throw failure }
            if state.threads < Self.mostThreads {
                state.threads += 1
                return .thread
            }
            guard state.bytesWaiting + bytes <= Self.mostBytesWaiting,
                let room = memory.room(for: Int64(bytes))
            else { return .here }
            state.waiting.append(Batch(members: members, bytes: bytes, room: room))
            state.bytesWaiting += bytes
            return .line
        }
        switch way {
        case .line: break
        case .here: write(members)
        case .thread:
            let work: @Sendable () -> Void = { self.writeAll(members) }
            if Threads.tryStart(work) != 0 { work() }
        }
    }

    /// Waits until nothing is being written any more.
    func settle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.threads > 0 { state.whenIdle = continuation }
                return state.threads == 0
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Waits until all is in place; throws if one member is not.
    func finish() async throws(StagingError) {
        await settle()
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    /// What one thread does: these members, then those in line.
    private func writeAll(_ first: [Member]) {
        var next: [Member]? = first
        while let members = next {
            write(members)
            next = takeNext()
        }
    }

    /// The next in line; nil, and this thread no longer counts, where there is none.
    private func takeNext() -> [Member]? {
        let (members, waiter) = state.withLock { state in
            guard state.waiting.isEmpty else {
                let batch = state.waiting.removeFirst()
                state.bytesWaiting -= batch.bytes
                return (batch.members as [Member]?, nil as CheckedContinuation<Void, Never>?)
            }
            state.threads -= 1
            return (nil, state.threads == 0 ? state.whenIdle.take() : nil)
        }
        waiter?.resume()
        return members
    }

    /// Writes these, unless something has gone wrong by now.
    private func write(_ members: [Member]) {
        do throws(StagingError) {
            for member in members {
                if state.withLock({ $0.failure != nil }) { return }
                try write(member)
            }
        } catch {
            state.withLock { $0.failure = $0.failure ?? error }
        }
    }

    private func write(_ member: Member) throws(StagingError) {
        let path = member.path
        let file = try target.create(path, size: member.header.size)
        var digest = CRC64NVME()
        let written: Result<Void, StagingError> = member.bytes.withUnsafeBytes { bytes in
            digest.update(bytes)
            return Result { () throws(StagingError) in try file.write(bytes, at: 0, name: path) }
        }
        try written.get()
        try target.finish(
            path,
            file,
            digest: digest,
            mode: member.header.mode,
            modified: member.header.modified
        )
    }
}
