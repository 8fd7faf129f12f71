// SPDX-License-Identifier: Apache-2.0

import Transport

/// An open file, or one that is opened for each piece.
package struct FileSource: UploadSource {
    private enum Access: Sendable {
        case descriptor(Int32)
        case open(@Sendable () throws -> Int32)
    }

    package let length: Int64
    private let name: String
    private let access: Access

    /// The descriptor stays the caller's, and open during the upload.
    ///
    /// - Parameter name: for messages.
    package init(descriptor: Int32, named name: String, length: Int64) {
        access = .descriptor(descriptor)
        self.name = name
        self.length = length
    }

    /// - Parameter open: opens the file for reading; the reader closes it.
    package init(
        named name: String,
        length: Int64,
        open: @escaping @Sendable () throws -> Int32
    ) {
        access = .open(open)
        self.name = name
        self.length = length
    }

    package func body(_ range: ByteRange) -> HTTPBody {
        switch access {
        case .descriptor(let descriptor):
            .file(
                descriptor: descriptor,
                named: name,
                offset: range.offset,
                length: range.length
            )
        case .open(let open):
            .file(named: name, offset: range.offset, length: range.length, open: open)
        }
    }
}
