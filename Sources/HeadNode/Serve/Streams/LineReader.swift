// SPDX-License-Identifier: Apache-2.0

import Glibc
import Staging

/// The lines of a stream, read by a thread of their own. The writer waits while nobody takes them.
enum LineReader {
    enum Line: Sendable, Equatable {
        case bytes([UInt8])
        /// A line of more bytes than are taken; it was skipped.
        case tooLong
    }

    /// Lines that are read ahead.
    private static let ahead = 64

    /// - Parameter descriptor: open until the process ends.
    static func lines(
        of descriptor: Int32,
        longest: Int
    ) -> (lines: AsyncStream<Line>, stop: @Sendable () -> Void) {
        let (lines, sink) = AsyncStream.makeStream(
            of: Line.self,
            bufferingPolicy: .bufferingOldest(ahead)
        )
        Threads.start {
            var splitter = LineCutter(longest: longest)
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return sink.finish() }
                for line in splitter.add(buffer[..<count]) {
                    while case .dropped = sink.yield(line) { usleep(1000) }
                }
            }
        }
        return (lines, { sink.finish() })
    }
}

/// Cuts a stream of bytes at its line feeds; of a line that is too long it keeps nothing. Pure.
struct LineCutter {
    let longest: Int
    private var pending: [UInt8] = []
    private var isSkipping = false

    init(longest: Int) { self.longest = longest }

    /// The lines that `bytes` complete. Empty lines are nothing.
    mutating func add(_ bytes: ArraySlice<UInt8>) -> [LineReader.Line] {
        var lines: [LineReader.Line] = []
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            take(rest[..<end])
            if isSkipping {
                lines.append(.tooLong)
            } else if !pending.isEmpty {
                lines.append(.bytes(pending))
            }
            pending = []
            isSkipping = false
            rest = rest[(end + 1)...]
        }
        take(rest)
        return lines
    }

    private mutating func take(_ part: ArraySlice<UInt8>) {
        if isSkipping || pending.count + part.count > longest {
            isSkipping = true
            pending = []
        } else {
            pending += part
        }
    }
}
