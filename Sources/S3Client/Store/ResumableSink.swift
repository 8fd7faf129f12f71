// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Synchronization
import Transport

/// Stands between the transport and the caller's sink during one get, over several connections.
///
/// It lets through only bytes that continue what came before, of an object that is still the same,
/// and counts and sums them.
final class ResumableSink: HTTPBodySink {
    private struct State {
        var info: ObjectInfo?
        var taken: Int64 = 0
        var wanted: Int64 = 0
        var checksum = CRC64NVME()
        var problem: AttemptFailure?
    }

    private let call: S3Call
    private let inner: any HTTPBodySink
    /// The caller's sink, if it sums up what it takes and has taken nothing yet: once is enough.
    private let summing: (any SummingSink)?
    private let range: ByteRange?
    private let state = Mutex(State())

    init(_ call: S3Call, _ inner: any HTTPBodySink, range: ByteRange?) {
        self.call = call
        self.inner = inner
        let summing = inner as? any SummingSink
        self.summing = summing?.count == 0 ? summing : nil
        self.range = range
    }

    /// Bytes given to the caller's sink so far.
    var taken: Int64 { state.withLock { $0.taken } }
    /// What the first answer said of the object.
    var info: ObjectInfo? { state.withLock { $0.info } }
    /// Of the bytes taken.
    var checksum: CRC64NVME { summing?.checksum ?? state.withLock { $0.checksum } }
    /// Whether all bytes that were asked for have come.
    var isComplete: Bool { state.withLock { $0.info != nil && $0.taken == $0.wanted } }
    /// Why the last answer was not taken.
    var problem: AttemptFailure? { state.withLock { $0.problem } }

    /// What to ask for next; nil asks for the whole object.
    var missing: ByteRange? {
        state.withLock { state in
            guard state.info != nil, state.taken > 0, state.taken < state.wanted else {
                return range
            }
            return ByteRange(
                offset: (range?.offset ?? 0) + state.taken,
                length: state.wanted - state.taken
            )
        }
    }

    func begin(_ head: HTTPResponseHead) throws {
        let asked = missing
        try state.withLock { state in
            state.problem = nil
            do throws(AttemptFailure) {
                let info = try info(head, asked: asked)
                if let first = state.info {
                    guard first.eTag == info.eTag, first.size == info.size else {
                        throw .answer(ErrorAnswer(status: 412, code: "PreconditionFailed"))
                    }
                } else {
                    state.info = info
                    state.wanted = range?.length ?? info.size
                    try Self.begin(inner, head)
                }
            } catch {
                state.problem = error
                throw error
            }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            guard Int64(bytes.count) <= state.wanted - state.taken else {
                state.problem = .unreadable("it has more bytes than it says")
                throw AttemptFailure.unreadable("it has more bytes than it says")
            }
            try inner.write(bytes)
            if summing == nil { state.checksum.update(bytes) }
            state.taken += Int64(bytes.count)
        }
    }

    private static func begin(
        _ sink: any HTTPBodySink,
        _ head: HTTPResponseHead
    ) throws(AttemptFailure) {
        do { try sink.begin(head) } catch {
            throw .transport(
                TransportError(.bodySink, what: "Cannot take what was asked for", cause: error)
            )
        }
    }

    /// What the answer says of the object, if it is the answer to what was asked.
    private func info(
        _ head: HTTPResponseHead,
        asked: ByteRange?
    ) throws(AttemptFailure) -> ObjectInfo {
        switch (head.status, asked) {
        case (200, nil):
            return try head.objectInfo(size: head.contentLength(), isWhole: true)
        case (206, .some(let asked)):
            let (range, size) = try head.contentRange()
            // S3 shortens a range that goes past the end; whoever asks knows the size.
            guard size >= asked.offset + asked.length else {
                throw .final(.rangeNotInside(call, asked, size: size))
            }
            guard range == asked else { throw .unreadable("it is another range than asked for") }
            return try head.objectInfo(size: size, isWhole: range.length == size)
        case (200, .some): throw .unreadable("it is the whole object instead of a range")
        default: throw .unreadable("its status is \(head.status)")
        }
    }
}
