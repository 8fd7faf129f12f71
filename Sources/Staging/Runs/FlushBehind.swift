// SPDX-License-Identifier: Apache-2.0

import Names
import Synchronization

/// Brings complete files to the disk while the next ones still come.
///
/// One after the other each flush waits for the disk alone; those that come together a file system takes
/// there together. Only these files are flushed: a syncfs would wait for everybody's. They stay open
/// until then, because a file that is closed and opened again may have lost the news of its failure.
final class FlushBehind: Sendable {
    /// How many files of one run wait for a thread at most, and how many bytes: few where each waits for
    /// the disk, more where a thread costs more than what it does.
    fileprivate static let fewestFiles = 8
    private static let mostFiles = 16
    private static let mostBytes: Int64 = 1 << 20
    /// What a batch takes, at most, before the next one is made larger.
    private static let shortTime = Duration.milliseconds(1)
    /// How many threads flush at a time, for all runs of the process.
    private static let mostThreads = 16
    private static let threads = Atomic<Int>(0)

    private struct File: Sendable {
        let descriptor: Descriptor
        let place: FilePath
    }

    private struct State {
        var waiting: [File] = []
        var bytesWaiting: Int64 = 0
        /// How many files make a batch.
        var batch = FlushBehind.fewestFiles
        var batchesUnderWay = 0
        var failure: StagingError?
        var whenIdle: CheckedContinuation<Void, Never>?

        mutating func take() -> [File] {
            defer { (waiting, bytesWaiting) = ([], 0) }
            return waiting
        }
    }

    private let state = Mutex(State())

    /// Takes over a file that is complete. Blocks, and flushes itself, while all threads are busy.
    ///
    /// - Parameters:
    ///   - size: in bytes.
    ///   - place: for messages.
    func add(_ descriptor: Descriptor, size: Int64, for place: FilePath) {
        let full = state.withLock { state -> [File] in
            state.waiting.append(File(descriptor: descriptor, place: place))
            state.bytesWaiting += size
            let isFull =
                state.waiting.count >= state.batch || state.bytesWaiting >= Self.mostBytes
            return isFull ? state.take() : []
        }
        if !full.isEmpty { flush(full) }
    }

    /// Waits until all that was added is on the disk; throws if one file of it is not.
    func finish() async throws(StagingError) {
        for file in state.withLock({ $0.take() }) { flush([file]) }
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.batchesUnderWay > 0 { state.whenIdle = continuation }
                return state.batchesUnderWay == 0
            }
            if isIdle { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    /// On a thread of its own, if there may be one more.
    private func flush(_ files: [File]) {
        state.withLock { $0.batchesUnderWay += 1 }
        if Self.threads.add(1, ordering: .relaxed).newValue <= Self.mostThreads {
            let error = Threads.tryStart {
                self.flushHere(files)
                Self.threads.subtract(1, ordering: .relaxed)
            }
            if error == 0 { return }
        }
        Self.threads.subtract(1, ordering: .relaxed)
        flushHere(files)
    }

    private func flushHere(_ files: [File]) {
        var failure: StagingError?
        let begin = ContinuousClock.now
        for file in files {
            do throws(StagingError) { try file.descriptor.synchronise(name: file.place) } catch {
                failure = failure ?? error
            }
        }
        let wasShort = ContinuousClock.now - begin < Self.shortTime
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.failure = state.failure ?? failure
            if !wasShort {
                state.batch = Self.fewestFiles
            } else if files.count >= state.batch {
                state.batch = min(2 * state.batch, Self.mostFiles)
            }
            state.batchesUnderWay -= 1
            return state.batchesUnderWay == 0 ? state.whenIdle.take() : nil
        }
        waiter?.resume()
    }
}
