// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Staging
import Synchronization

/// Writes lines to a stream from a thread of its own, in order, so that a reader who is slow holds up
/// nobody here.
final class LineWriter: Sendable {
    private struct State {
        var pending: [UInt8] = []
        var isAwake = false
        var isBroken = false
        var dropped = 0
    }

    /// How many bytes may wait to be read; the caller asks before it adds what can wait.
    static let room = 16 << 20

    private let descriptor: Int32
    /// The thread sleeps in a read of the one end, and is woken through the other.
    private let bell: Descriptor
    private let state = Mutex(State())
    private let onBroken: @Sendable () -> Void

    /// - Parameters:
    ///   - descriptor: open until the process ends.
    ///   - onBroken: called once, when nobody reads any more.
    init(
        _ descriptor: Int32,
        onBroken: @escaping @Sendable () -> Void = {}
    ) throws(HeadError) {
        self.descriptor = descriptor
        self.onBroken = onBroken
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw HeadError(
                StagingError.system("make a pipe for", "standard output"),
                doing: "Cannot begin to serve"
            )
        }
        let sleeping = Descriptor(owning: ends[0])
        bell = Descriptor(owning: ends[1])
        Threads.start { [weak self] in
            var byte: UInt8 = 0
            while read(sleeping.raw, &byte, 1) == 1 { self?.drain() }
        }
    }

    /// Adds a line; an end of line is added to it.
    ///
    /// - Parameter canWait: whether the line may be left out when the reader is far behind.
    func write(
        _ line: [UInt8],
        canWait: Bool = false
    ) {
        let mustRing = state.withLock { state in
            if state.isBroken { return false }
            if canWait, state.pending.count > Self.room {
                state.dropped += 1
                return false
            }
            state.pending += line
            state.pending.append(UInt8(ascii: "\n"))
            defer { state.isAwake = true }
            return !state.isAwake
        }
        guard mustRing else { return }
        var byte: UInt8 = 1
        _ = Glibc.write(bell.raw, &byte, 1)
    }

    /// Whether the reader is so far behind that nothing more should be asked for.
    var isFull: Bool { state.withLock { $0.pending.count > Self.room } }

    /// How many lines were left out.
    var dropped: Int { state.withLock { $0.dropped } }

    /// Waits until everything is written, or nobody reads any more, or the time is over.
    func flush(within limit: Duration) async {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if state.withLock({ $0.isBroken || !$0.isAwake }) { return }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    private func drain() {
        while true {
            let bytes = state.withLock { state -> [UInt8] in
                if state.pending.isEmpty { state.isAwake = false }
                defer { state.pending = [] }
                return state.pending
            }
            if bytes.isEmpty { return }
            guard put(bytes) else {
                state.withLock { state in
                    state.isBroken = true
                    state.pending = []
                }
                return onBroken()
            }
        }
    }

    /// - Returns: whether somebody still reads.
    private func put(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
