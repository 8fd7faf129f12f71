// SPDX-License-Identifier: Apache-2.0

import Names
import Synchronization

/// Which pack has which place of a fetch: the name of a member that was damaged on its way may be that of
/// a file which something else brings, and that file must not be replaced, nor removed with the pack.
final class PathClaims: Sendable {
    /// Places of inputs, which are no pack's.
    private let inputs: Set<FilePath>
    private let owners = Mutex<[FilePath: ObjectIdentifier]>([:])

    init(_ inputs: Set<FilePath>) { self.inputs = inputs }

    /// Takes `path` for a pack.
    ///
    /// - Throws: `.mismatch` where it is another one's.
    func claim(_ path: FilePath, for owner: ObjectIdentifier) throws(StagingError) {
        let isFree = owners.withLock { owners in
            guard !inputs.contains(path), owners[path] == nil || owners[path] == owner
            else { return false }
            owners[path] = owner
            return true
        }
        guard isFree else {
            throw StagingError(
                .mismatch,
                what: "A pack names \(path), which something else brings"
            )
        }
    }

    /// Gives back what a pack has taken.
    func release(_ owner: ObjectIdentifier) {
        owners.withLock { owners in owners = owners.filter { $0.value != owner } }
    }
}
