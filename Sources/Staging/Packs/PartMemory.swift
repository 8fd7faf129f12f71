// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Transport

/// Memory for what has been read and is not sent yet, or has come and is not written yet, of which a process
/// takes so much and no more.
final class PartMemory: Sendable {
    /// Of parts to send: three of the smallest size that S3 takes, one is read, one summed, one sent.
    static let ofThisProcess = PartMemory(bytes: 16 << 20)

    private let left: Atomic<Int64>

    init(bytes: Int64) { left = Atomic(bytes) }

    /// What is free, in bytes.
    var free: Int64 { left.load(ordering: .relaxed) }

    /// Room for `bytes` bytes, until it is let go of; nil where there is none.
    func room(for bytes: Int64) -> Room? {
        if left.subtract(bytes, ordering: .relaxed).newValue >= 0 { return Room(self, bytes) }
        left.add(bytes, ordering: .relaxed)
        return nil
    }

    /// Memory that is taken as long as this lives.
    final class Room: Sendable {
        private let memory: PartMemory
        private let bytes: Int64

        fileprivate init(_ memory: PartMemory, _ bytes: Int64) {
            self.memory = memory
            self.bytes = bytes
        }

        deinit { memory.left.add(bytes, ordering: .relaxed) }

        /// `bytes` as a body, which holds this room.
        func body(_ bytes: [UInt8]) -> HTTPBody {
            let body = HTTPBody.bytes(bytes)
            return HTTPBody(length: body.length) { [self] in
                try withExtendedLifetime(self) { try body.makeReader() }
            }
        }
    }
}
