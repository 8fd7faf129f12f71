// SPDX-License-Identifier: Apache-2.0

import Names

/// Chooses the roots: the few directories of Galaxy's that a pod sees at the same paths.
///
/// A root hides what the image has at that path, so one is never equal to or above a standard
/// directory of an image; below them is fine.
package enum RootPlan {
    /// Each root is a mount of the pod; more than these would crowd it.
    package static let most = 16

    private static let standard = [
        "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/opt",
        "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var",
    ]
    .map { Array($0.utf8) }

    /// Merges nested directories, then the pairs with the deepest common parent, down to `most`.
    package static func roots(for directories: [FilePath]) throws(StagingError) -> [FilePath] {
        for directory in directories where !isAllowed(directory) {
            throw StagingError(
                .job,
                what: "A job cannot use files that lie directly in \(directory), because a "
                    + "container needs its own \(directory)",
                remedy: "Move Galaxy's data to a directory of its own, such as /galaxy/data."
            )
        }
        var roots = withoutNested(directories)
        while roots.count > most {
            guard let parent = deepestCommonParent(of: roots) else {
                let named = roots.prefix(20).map(\.description).joined(separator: ", ")
                throw StagingError(
                    .job,
                    what: "The job's files lie in \(roots.count) directories with no common "
                        + "parent that may be mounted, \(most) are possible: \(named)",
                    remedy: "Keep Galaxy's directories below a few common ones."
                )
            }
            roots = withoutNested(roots + [parent])
        }
        return roots
    }

    /// Whether a container can have `path` replaced by a root.
    package static func isAllowed(_ path: FilePath) -> Bool {
        guard path != .root else { return false }
        return !standard.contains { $0 == path.bytes }
    }

    private static func withoutNested(_ paths: [FilePath]) -> [FilePath] {
        var kept: [FilePath] = []
        // Parents sort before what is below them, though not always right before.
        for path in Set(paths).sorted(by: { $0.bytes.count < $1.bytes.count })
        where !kept.contains(where: { path.isAtOrBelow($0) }) {
            kept.append(path)
        }
        return kept.sorted()
    }

    /// Of all pairs, the common parent with the most components.
    private static func deepestCommonParent(of roots: [FilePath]) -> FilePath? {
        var best: FilePath?
        // In byte order the deepest common parent is that of two neighbours.
        for (a, b) in zip(roots, roots.dropFirst()) {
            guard let parent = commonParent(a, b), isAllowed(parent) else { continue }
            if parent.components.count > best?.components.count ?? 0 { best = parent }
        }
        return best
    }

    private static func commonParent(
        _ a: FilePath,
        _ b: FilePath
    ) -> FilePath? {
        var parent = a.parent
        while let candidate = parent, !b.isAtOrBelow(candidate) { parent = candidate.parent }
        return parent
    }
}
