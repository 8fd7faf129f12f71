// SPDX-License-Identifier: Apache-2.0

extension HTTPBody {
    /// A body of no bytes.
    package static let empty = bytes([])

    /// A body held in memory.
    package static func bytes(_ bytes: [UInt8]) -> HTTPBody {
        HTTPBody(length: Int64(bytes.count)) { BytesReader(bytes) }
    }

    /// Bodies one after the other; each is opened when it is its turn.
    package static func joined(_ parts: [HTTPBody]) -> HTTPBody {
        HTTPBody(length: parts.reduce(0) { $0 + $1.length }) { JoinedReader(parts) }
    }
}

private final class BytesReader: HTTPBodyReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let piece = rest.prefix(buffer.count)
        buffer.copyBytes(from: piece)
        rest = rest.dropFirst(piece.count)
        return piece.count
    }
}

private final class JoinedReader: HTTPBodyReader {
    private var waiting: ArraySlice<HTTPBody>
    private var current: (any HTTPBodyReader)?
    /// What `current` has promised and not given yet.
    private var missing: Int64 = 0

    init(_ parts: [HTTPBody]) { waiting = parts[...] }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while missing == 0 {
            guard let next = waiting.popFirst() else { return 0 }
            missing = next.length
            current = try next.makeReader()
        }
        let room = UnsafeMutableRawBufferPointer(
            rebasing: buffer.prefix(Int(min(missing, Int64(buffer.count))))
        )
        guard let count = try current?.read(into: room), count > 0
        else { throw BodyEndedEarly(missingBytes: missing) }
        missing -= Int64(count)
        return count
    }
}
