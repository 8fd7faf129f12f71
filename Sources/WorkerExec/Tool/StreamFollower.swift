// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// Follows the file that Galaxy's script sends one of the tool's streams to, and writes what comes
/// as frames.
///
/// A tool may write faster than anybody reads: a round passes on at most `bytesPerRound`, and the
/// pushed file is the authority for all of it.
struct StreamFollower {
    static let bytesPerRound = 64 << 10

    let stream: WorkerFrame.Stream
    let path: FilePath
    let roots: RootSet
    let frames: FrameWriter
    private var offset: Int64 = 0

    init(
        _ stream: WorkerFrame.Stream,
        at path: FilePath,
        in roots: RootSet,
        frames: FrameWriter
    ) {
        self.stream = stream
        self.path = path
        self.roots = roots
        self.frames = frames
    }

    /// Passes on what has come since the last round; a file that is not there yet is fine.
    mutating func round() {
        // The tool may do anything to its own stream's file; then there is nothing to follow.
        guard let file = try? roots.open(path), (try? file.status())?.kind == .file else { return }
        var buffer = [UInt8](repeating: 0, count: WorkerFrame.largestChunk)
        for _ in 0..<(Self.bytesPerRound / WorkerFrame.largestChunk) {
            let position = offset
            let count = buffer.withUnsafeMutableBytes { space in
                (try? file.read(at: position, into: space, name: path)) ?? 0
            }
            guard count > 0 else { return }
            frames.write(.output(stream: stream, offset: offset, bytes: Array(buffer[..<count])))
            offset += Int64(count)
        }
    }
}
