// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import Staging
import Synchronization

/// Writes the tool's live output where Galaxy looks for it, at the offset each frame names.
///
/// It is a courtesy for whoever watches: what is collected later replaces it whole, so trouble here
/// is no trouble of the job's.
///
/// A file is opened when something comes for it: most tools are silent for most of their time.
final class LiveOutput: Sendable {
    /// A file, once it has been tried to open it; nil inside if that failed.
    private typealias Opened = Descriptor?

    private let stdoutPath: FilePath
    private let stderrPath: FilePath
    private let jobDirectory: FilePath
    private let files = Mutex<[WorkerFrame.Stream: Opened]>([:])

    init(_ description: JobDescription) {
        stdoutPath = description.stdout
        stderrPath = description.stderr
        jobDirectory = description.jobDirectory
    }

    func write(
        _ stream: WorkerFrame.Stream,
        offset: Int64,
        bytes: [UInt8]
    ) {
        let file = files.withLock { files in
            if let known = files[stream] { return known }
            let path = stream == .stdout ? stdoutPath : stderrPath
            let opened = Self.open(path, jobDirectory)
            files.updateValue(opened, forKey: stream)
            return opened
        }
        guard let file else { return }
        _ = pwrite(file.raw, bytes, bytes.count, off_t(offset))
    }

    private static func open(
        _ path: FilePath,
        _ jobDirectory: FilePath
    ) -> Descriptor? {
        guard let roots = try? RootSet([jobDirectory]) else { return nil }
        if (try? roots.status(path)) ?? nil == nil { return try? roots.create(path) }
        guard let (root, relative) = try? roots.locate(path) else { return nil }
        // What an earlier try wrote is not this one's; this one's frames come from their beginning.
        return try? root.open(relative, O_WRONLY | O_TRUNC | O_NOFOLLOW)
    }
}
