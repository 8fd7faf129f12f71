// SPDX-License-Identifier: Apache-2.0

import Digests

/// What a request sends: a known number of bytes that can be read again from the start.
///
/// A retry asks for a new reader, so a body is never "used up".
package struct HTTPBody: Sendable {
    /// How many bytes `makeReader` will give, exactly.
    package let length: Int64
    /// Makes a reader at the first byte. Called once an attempt, on any thread.
    package let makeReader: @Sendable () throws -> any HTTPBodyReader

    package init(
        length: Int64,
        makeReader: @escaping @Sendable () throws -> any HTTPBodyReader
    ) {
        self.length = length
        self.makeReader = makeReader
    }
}

/// Reads a body once, front to back. It is used by one thread at a time.
package protocol HTTPBodyReader: AnyObject {
    /// Fills `buffer` from the front and says how much; 0 only at the end.
    ///
    /// It may block on a local disk, never on anything else.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// Receives a response's body, front to back, while it arrives. It is used by one thread at a time.
///
/// Only the body of a successful response (2xx) gets here; any other body is small text about an
/// error and is kept in `HTTPResponse.errorBody`.
package protocol HTTPBodySink: AnyObject, Sendable {
    /// Told once, before any byte, what the server answered.
    func begin(_ head: HTTPResponseHead) throws
    /// Takes the next bytes. It may block on a local disk, never on anything else.
    func write(_ bytes: UnsafeRawBufferPointer) throws
}

/// A sink that keeps the number and the checksum of what it has taken, so that nobody else need.
package protocol SummingSink: HTTPBodySink {
    /// How many bytes have been taken.
    var count: Int64 { get }
    /// Of the bytes that have been taken.
    var checksum: CRC64NVME { get }
}
