// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// How each surveyed file travels to the worker. A pure value.
package struct StagePlan: Sendable {
    /// The job directory's small files: one pack a run.
    package var runPack: [SurveyedFile] = []
    /// The job directory's large files: objects of this run alone.
    package var runObjects: [SurveyedFile] = []
    /// Inputs and reference data too large for a pack: staged once, recorded, shared by all jobs.
    package var shared: [SurveyedFile] = []
    /// Links to objects that are in the bucket already, as outputs of other jobs.
    package var linked: [LinkedFile] = []
    /// Those of `shared` that a link may take the place of, and perhaps others.
    package var replaceable: Set<FilePath> = []
    /// Small inputs and reference data: one pack named by its content.
    package var dataPack: [SurveyedFile] = []
    /// Inputs that are in the bucket as objects of Galaxy's own: nothing of them travels.
    package var stored: [StoredInput] = []
    /// Directories of such objects.
    package var storedTrees: [StoredTree] = []
    /// The tool's small files: one pack named by its content, times left out.
    package var toolPack: [SurveyedFile] = []
    /// What a node's cache may keep for other jobs.
    private var cacheable: Set<FilePath> = []
    package var roots: [FilePath]
    package var directories: [DirectoryEntry]
    package var links: [LinkEntry]

    /// - Parameters:
    ///   - packBelow: files of at most this many bytes are packed.
    ///   - caching: what a node's cache may keep for other jobs.
    package init(
        _ survey: JobSurvey,
        packBelow: Int64,
        caching: CacheScope = .nothing
    ) throws(StagingError) {
        linked = survey.linked
        replaceable = survey.replaceable
        roots = try RootPlan.roots(for: survey.homes)
        directories = survey.directories.sorted { $0.path < $1.path }
        links = survey.links.sorted { $0.path < $1.path }
        stored = survey.stored
        storedTrees = survey.storedTrees
        for file in survey.job.files + survey.placeholders {
            if file.size <= packBelow { runPack.append(file) } else { runObjects.append(file) }
        }
        for file in survey.data {
            if file.size <= packBelow { dataPack.append(file) } else { shared.append(file) }
        }
        for file in survey.tools {
            if file.size <= packBelow { toolPack.append(file) } else { shared.append(file) }
        }
        cacheable = caching.paths(survey)
    }

    /// Whether a node's cache may keep all these files for other jobs, as the spec says it.
    func isShared(_ paths: some Sequence<FilePath>) -> Bool? {
        paths.allSatisfy(cacheable.contains) ? true : nil
    }

    /// How many files it speaks of.
    package var files: Int {
        runPack.count + runObjects.count + shared.count + linked.count + dataPack.count
            + toolPack.count + stored.count
    }
}
