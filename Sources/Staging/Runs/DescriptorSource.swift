// SPDX-License-Identifier: Apache-2.0

import Names
import S3Client
import Transport

/// An open file as something to upload.
package struct DescriptorSource: UploadSource {
    let descriptor: Descriptor
    package let length: Int64
    let name: FilePath

    package init(_ descriptor: Descriptor, length: Int64, name: FilePath) {
        self.descriptor = descriptor
        self.length = length
        self.name = name
    }

    package func body(_ range: ByteRange) -> HTTPBody {
        HTTPBody(length: range.length) { [self] in
            Reader(source: self, from: range.offset, count: range.length)
        }
    }

    private final class Reader: HTTPBodyReader {
        private let source: DescriptorSource
        private var position: Int64
        private let end: Int64

        init(
            source: DescriptorSource,
            from offset: Int64,
            count: Int64
        ) {
            self.source = source
            position = offset
            end = offset + count
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
            let wanted = Int(min(Int64(buffer.count), end - position))
            guard wanted > 0 else { return 0 }
            let space = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
            let count = try source.descriptor.read(at: position, into: space, name: source.name)
            guard count > 0 else {
                throw StagingError(
                    .changed,
                    what: "\(source.name) became shorter while it was being copied",
                    remedy: "Let nothing write to it, then run the job again."
                )
            }
            position += Int64(count)
            return count
        }
    }
}
