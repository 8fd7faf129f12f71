// SPDX-License-Identifier: Apache-2.0

import Digests
import Glibc
import Synchronization

/// Writes a body into an open file, from an offset on, and keeps its checksum and length.
///
/// Several sinks can fill one file at a time. A second response goes on where the first stopped, as
/// a resumed download wants it. The descriptor stays the caller's.
package final class FileSink: SummingSink {
    private struct State {
        var count: Int64 = 0
        var checksum = CRC64NVME()
    }

    private let state = Mutex(State())
    private let descriptor: Int32
    private let name: String
    private let offset: Int64
    private let limit: Int64

    /// - Parameters:
    ///   - name: the file's, for messages.
    ///   - limit: in bytes; one more, and the transfer ends with `BodyTooLong`, so that a server
    ///     that sends too much cannot write over what other sinks have written.
    package init(descriptor: Int32, named name: String, offset: Int64 = 0, limit: Int64 = .max) {
        self.descriptor = descriptor
        self.name = name
        self.offset = offset
        self.limit = limit
    }

    /// How many bytes have been written.
    package var count: Int64 { state.withLock { $0.count } }
    /// Of the bytes that have been written.
    package var checksum: CRC64NVME { state.withLock { $0.checksum } }

    package func begin(_ head: HTTPResponseHead) {}

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            guard Int64(bytes.count) <= limit - state.count
            else { throw BodyTooLong(limit: limit) }
            var rest = bytes
            while !rest.isEmpty {
                let position = off_t(offset + state.count)
                let written = pwrite(descriptor, rest.baseAddress, rest.count, position)
                if written < 0, errno == EINTR { continue }
                guard written > 0
                else { throw FileFailure("write", name, written < 0 ? errno : EIO) }
                state.checksum.update(UnsafeRawBufferPointer(rebasing: rest[..<written]))
                state.count += Int64(written)
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }
}
