// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Staging

/// Reads the frames that a worker appends to its log, as they come.
struct FrameLog {
    private let file: Descriptor
    private var offset: off_t = 0
    /// The beginning of a line that has not come whole yet.
    private var pending: [UInt8] = []

    init(file: Descriptor) { self.file = file }

    /// The frames since the last call; lines that are no frames are for people and are skipped.
    mutating func next() -> [WorkerFrame] {
        var frames: [WorkerFrame] = []
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = pread(file.raw, &buffer, buffer.count, offset)
            guard count > 0 else { return frames }
            offset += count
            pending += buffer[..<count]
            let newline = UInt8(ascii: "\n")
            guard let end = pending.lastIndex(of: newline) else { continue }
            for line in pending[...end].split(separator: newline) {
                if let frame = WorkerFrame(line: line) { frames.append(frame) }
            }
            pending = Array(pending[(end + 1)...])
        }
    }

    /// The last lines for people, joined to one.
    func lastWords() -> String {
        let size = (try? file.status())?.stamp.size ?? 0
        let length = min(size, 64 << 10)
        var buffer = [UInt8](repeating: 0, count: Int(length))
        let count = pread(file.raw, &buffer, buffer.count, off_t(size - length))
        guard count > 0 else { return "" }
        let lines = buffer[..<count].split(separator: UInt8(ascii: "\n"))
            .filter { WorkerFrame(line: $0) == nil }
        return lines.suffix(3).map(\.logSafe).joined(separator: " | ")
    }
}
