// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// Where each file of a winning report goes on the head. A pure value.
///
/// The report comes from a pod where a tool ran, so it is input like any other: a path outside the
/// job directory and the declared outputs is refused, whoever wrote it.
package struct CollectPlan: Sendable {
    /// Files that come as objects.
    package var objects: [(file: PushedFile, key: ObjectKey)] = []
    /// Packs, each with the files that the report says it holds.
    package var packs: [(pack: PackEntry, files: [FilePath: PushedFile])] = []
    package var directories: [DirectoryEntry]
    package var links: [LinkEntry]
    /// Removed if it is there: an exit code that is not this attempt's must not be taken for it.
    package var staleExitCode: FilePath?
    /// Whose files they are; temporary names carry it.
    package var run: RunID
    /// The directories that must be opened to put everything in place.
    package var roots: [FilePath]
    /// Every file's place.
    var files: [FilePath] { objects.map(\.file.path) + packs.flatMap { $0.files.keys } }

    /// - Parameter given: where links may lead; what leads elsewhere is not put in place, a link to nothing
    ///   is.
    /// - Throws: `.refused` naming the first thing in the report that no worker of ours writes.
    package init(
        _ report: AttemptReport,
        of spec: RunSpec,
        given: GivenPlaces
    ) throws(StagingError) {
        guard report.run == spec.run else {
            throw Self.forged("it speaks of the run \(report.run), not of \(spec.run)")
        }
        if let problem = report.problem { throw Self.forged(problem) }
        let rules = CollectRules(spec, given: given)
        run = spec.run
        roots = rules.roots
        directories = report.directories
        links = []
        packs = report.packs.map { ($0, [:]) }
        for file in report.files {
            try rules.check(file: file.path)
            switch file.location {
            case .object(let key):
                try Self.check(key, of: report, spec)
                objects.append((file, key))
            case .pack(let index):
                guard packs.indices.contains(index) else {
                    throw Self.forged("\(file.path) is in pack \(index), which it does not have")
                }
                packs[index].files[file.path] = file
            }
        }
        let hasExitCode = report.files.contains { $0.path == spec.job.exitCode }
        staleExitCode = hasExitCode ? nil : spec.job.exitCode
        for pack in report.packs { try Self.check(pack.key, of: report, spec) }
        for directory in directories { try rules.check(directory: directory.path) }
        for link in report.links { links.append(try rules.checked(link)) }
        try Self.checkPlaces(of: report)
    }

    /// An attempt's objects are below its own keys and nowhere else.
    private static func check(
        _ key: ObjectKey,
        of report: AttemptReport,
        _ spec: RunSpec
    ) throws(StagingError) {
        let layout = spec.layout.keys
        let own = [
            layout.data(report.run, report.attempt, 0).bytes.dropLast(1),
            layout.pushedPack(report.run, report.attempt, 0).bytes.dropLast(1),
        ]
        guard own.contains(where: { key.hasPrefix($0) && key.bytes.count > $0.count }) else {
            throw forged("it names the key \(key), which is not the attempt's")
        }
    }

    /// Every path is named once, and nothing is below a file or a link.
    private static func checkPlaces(of report: AttemptReport) throws(StagingError) {
        var leaves: Set<FilePath> = []
        for path in report.files.map(\.path) + report.links.map(\.path)
        where !leaves.insert(path).inserted {
            throw forged("it names \(path) twice")
        }
        var directories: Set<FilePath> = []
        for path in report.directories.map(\.path)
        where leaves.contains(path) || !directories.insert(path).inserted {
            throw forged("it names \(path) twice")
        }
        var sound: Set<FilePath> = []
        for path in leaves.union(directories) {
            var above = path.parent
            while let parent = above, sound.insert(parent).inserted {
                guard !leaves.contains(parent) else {
                    throw forged("it names \(path) below \(parent), which is no directory")
                }
                above = parent.parent
            }
        }
    }

    static func forged(_ why: String) -> StagingError {
        StagingError(
            .refused,
            what: "The attempt's report is refused: \(why)",
            remedy: "Nothing of it was used. Find out who can write to the run's keys."
        )
    }
}
