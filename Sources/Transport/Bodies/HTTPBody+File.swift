// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc

extension HTTPBody {
    /// Part of a file that `open` opens for reading each time the body is sent; the reader closes
    /// the descriptor.
    ///
    /// Nothing of it is held in memory. Bytes past `offset + length` are not looked at; a file that
    /// ends before is an error that names it.
    /// - Parameter name: for messages.
    package static func file(
        named name: String,
        offset: Int64 = 0,
        length: Int64,
        open: @escaping @Sendable () throws -> Int32
    ) -> HTTPBody {
        HTTPBody(length: length) {
            FileReader(
                descriptor: try open(),
                closesDescriptor: true,
                name: name,
                offset: offset,
                length: length
            )
        }
    }

    /// Part of the file at the path `path`, opened each time the body is sent.
    ///
    /// For paths of our own making: whoever has a path from a job opens it beneath its root and uses
    /// `file(named:offset:length:open:)`.
    package static func file(
        path: [UInt8],
        offset: Int64 = 0,
        length: Int64
    ) -> HTTPBody {
        let name = path.logSafe
        let terminated = path.map { CChar(bitPattern: $0) } + [0]
        return file(named: name, offset: offset, length: length) {
            let descriptor = Glibc.open(terminated, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw FileFailure("open", name, errno) }
            return descriptor
        }
    }

    /// Part of an open file. The descriptor stays the caller's, and open while the body is in use;
    /// its own position is neither used nor moved.
    package static func file(
        descriptor: Int32,
        named name: String,
        offset: Int64 = 0,
        length: Int64
    ) -> HTTPBody {
        HTTPBody(length: length) {
            FileReader(
                descriptor: descriptor,
                closesDescriptor: false,
                name: name,
                offset: offset,
                length: length
            )
        }
    }
}

private final class FileReader: HTTPBodyReader {
    private let descriptor: Int32
    private let closesDescriptor: Bool
    private let name: String
    private var offset: Int64
    private let end: Int64

    init(
        descriptor: Int32,
        closesDescriptor: Bool,
        name: String,
        offset: Int64,
        length: Int64
    ) {
        self.descriptor = descriptor
        self.closesDescriptor = closesDescriptor
        self.name = name
        self.offset = offset
        end = offset + length
    }

    deinit { if closesDescriptor { close(descriptor) } }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let room = Int(min(Int64(buffer.count), end - offset))
        guard room > 0 else { return 0 }
        while true {
            let count = pread(descriptor, buffer.baseAddress, room, off_t(offset))
            if count > 0 {
                offset += Int64(count)
                return count
            }
            if count == 0 { throw FileShrank(name: name, size: offset, expected: end) }
            if errno != EINTR { throw FileFailure("read", name, errno) }
        }
    }
}
