// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// Writes the tool's live output where Galaxy looks for it, at the offset each frame names.
///
/// It is a courtesy for whoever watches: what is collected later replaces it whole, so trouble here
/// is no trouble of the job's.
final class LiveOutput: Sendable {
    private let stdout: Descriptor?
    private let stderr: Descriptor?

    init(_ description: JobDescription) {
        stdout = Self.open(description.stdout, description.jobDirectory)
        stderr = Self.open(description.stderr, description.jobDirectory)
    }

    func write(
        _ stream: WorkerFrame.Stream,
        offset: Int64,
        bytes: [UInt8]
    ) {
        guard let file = stream == .stdout ? stdout : stderr else { return }
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
