// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names
import Staging

/// The directory of this machine that keeps what many jobs read. No trouble with it fails a job: a
/// worker that is not shown it, or cannot use it, says so and does without.
struct LocalCache {
    let path: FilePath
    /// What it may keep, in bytes.
    let bytes: Int64

    /// nil where there is none; a claim means nothing on this machine.
    init?(_ settings: LocalSettings) {
        guard let cache = settings.cache, case .directory(let path) = cache.place else {
            return nil
        }
        self.path = path
        bytes = cache.bytes
    }

    /// Makes it, for whoever the worker runs as, if it is not there.
    ///
    /// - Returns: whether that user can go there.
    func prepare(for owner: LocalUser) -> Bool {
        if FileStatus(following: path) == nil, let relative = path.relative(to: .root),
            let top = try? Directory(path: .root), (try? top.makeDirectories(relative)) != nil,
            owner.isOther
        {
            chown(path.text, owner.user, owner.group)
        }
        return owner.obstacle(to: path) == nil
    }
}
