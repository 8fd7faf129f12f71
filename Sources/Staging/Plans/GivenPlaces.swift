// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// What a job has outside its directory: where a link that comes back from it may lead.
///
/// A root is on the head a whole directory of Galaxy's, with other people's files in it.
package struct GivenPlaces: Sendable {
    private let files: Set<FilePath>
    /// Directories that are the job's with all that is in them.
    private let trees: [FilePath]
    /// Reference files, which bring what stands beside them under their names.
    private let reference: [FilePath]

    /// What the head knows.
    ///
    /// - Parameter description: names the small files too, which the spec has in packs.
    package init(_ spec: RunSpec, _ description: JobDescription) {
        let inputs = description.inputs
        files = Set(
            spec.inputs.map(\.path) + spec.outputs.map(\.path) + inputs.map(\.path)
                + inputs.flatMap { $0.metadataFiles ?? [] }
        )
        reference = description.referenceData.map(\.path)
        trees =
            spec.outputs.compactMap(\.extraFiles) + inputs.compactMap(\.extraFiles)
            + description.toolFiles.map(\.root) + reference
    }

    /// What the worker knows.
    ///
    /// - Parameter fetched: every file that was there before the tool ran, in the job directory or not: the
    ///   spec does not name what is in packs.
    package init(_ spec: RunSpec, fetched: some Sequence<FilePath>) {
        files = Set(fetched).union(spec.outputs.map(\.path)).union(spec.directories.map(\.path))
        trees = spec.outputs.compactMap(\.extraFiles)
        reference = []
    }

    /// Whether `target` is one of them.
    func hold(_ target: FilePath) -> Bool {
        files.contains(target) || trees.contains { target.isAtOrBelow($0) }
            || reference.contains { file in
                let siblings = SiblingNames(of: Array(file.lastComponent), isFile: true)
                return target.parent == file.parent && siblings.contain(Array(target.lastComponent))
            }
    }
}
