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
    /// The directories that must be opened to put everything in place.
    package var roots: [FilePath]

    /// - Throws: `.refused` naming the first thing in the report that no worker of ours writes.
    package init(
        _ report: AttemptReport,
        of spec: RunSpec
    ) throws(StagingError) {
        let rules = Rules(spec)
        roots = rules.roots
        directories = report.directories
        links = report.links
        packs = report.packs.map { ($0, [:]) }
        let keys = spec.layout.keys
        var seen: Set<FilePath> = []
        for file in report.files {
            try rules.check(file.path)
            guard seen.insert(file.path).inserted, file.size >= 0 else {
                throw Self.forged("it names \(file.path) twice, or with a negative size")
            }
            switch file.location {
            case .object(let key):
                try Self.check(key, in: keys, report)
                objects.append((file, key))
            case .pack(let index):
                guard packs.indices.contains(index) else {
                    throw Self.forged("\(file.path) is in pack \(index), which it does not have")
                }
                packs[index].files[file.path] = file
            }
        }
        if !seen.contains(spec.job.exitCode) { staleExitCode = spec.job.exitCode }
        for pack in report.packs { try Self.check(pack.key, in: keys, report) }
        for directory in directories { try rules.check(directory.path) }
        for link in links { try rules.check(link.path) }
    }

    /// An attempt's objects are below its own keys and nowhere else.
    private static func check(
        _ key: ObjectKey,
        in layout: JobLayout,
        _ report: AttemptReport
    ) throws(StagingError) {
        let own = [
            layout.data(report.run, report.attempt, 0).bytes.dropLast(1),
            layout.pushedPack(report.run, report.attempt, 0).bytes.dropLast(1),
        ]
        guard own.contains(where: { key.hasPrefix($0) && key.bytes.count > $0.count }) else {
            throw forged("it names the key \(key), which is not the attempt's")
        }
    }

    private static func forged(_ why: String) -> StagingError {
        StagingError(
            .refused,
            what: "The attempt's report is refused: \(why)",
            remedy: "Nothing of it was used. Find out who can write to the run's keys."
        )
    }

    /// Which paths may be written.
    private struct Rules {
        let job: FilePath
        let leftBehind: Set<ByteString>
        let outputs: Set<FilePath>
        let extra: [FilePath]
        let roots: [FilePath]

        init(_ spec: RunSpec) {
            job = spec.job.directory
            leftBehind = Set(spec.push.leaveBehind)
            outputs = Set(spec.outputs.map(\.path))
            extra = spec.outputs.compactMap(\.extraFiles)
            let parents = (Array(outputs) + extra).compactMap(\.parent)
            roots = ([spec.job.directory] + parents.filter { !$0.isAtOrBelow(spec.job.directory) })
                .reduce(into: [FilePath]()) { if !$0.contains($1) { $0.append($1) } }
        }

        func check(_ path: FilePath) throws(StagingError) {
            if outputs.contains(path) || extra.contains(where: { path.isAtOrBelow($0) }) { return }
            if path == job { return }
            if let relative = path.relative(to: job) {
                guard leftBehind.contains(ByteString(relative.firstComponent)) else { return }
                throw forged("it names \(path), which stays in the pod")
            }
            throw forged("it names \(path), which is outside the job")
        }
    }
}
