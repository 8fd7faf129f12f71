// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// Which paths of a run an attempt may bring back.
struct CollectRules {
    private let job: FilePath
    private let leftBehind: Set<ByteString>
    private let outputs: Set<FilePath>
    private let extra: [FilePath]
    private let logs: Set<FilePath>
    private let mounted: [FilePath]
    private let given: GivenPlaces
    /// The job directory, and where outputs are that lie elsewhere.
    let roots: [FilePath]

    init(_ spec: RunSpec, given: GivenPlaces) {
        self.given = given
        job = spec.job.directory
        leftBehind = Set(spec.push.leaveBehind)
        outputs = Set(spec.outputs.map(\.path))
        extra = spec.outputs.compactMap(\.extraFiles)
        logs = Set(spec.job.logs)
        mounted = spec.roots
        let parents = (spec.outputs.map(\.path) + extra).compactMap(\.parent)
        roots = ([spec.job.directory] + parents.filter { !$0.isAtOrBelow(spec.job.directory) })
            .reduce(into: [FilePath]()) { if !$0.contains($1) { $0.append($1) } }
    }

    /// A file is an output, one of its extra files, or in the job directory.
    func check(file path: FilePath) throws(StagingError) {
        if outputs.contains(path) { return }
        try check(path)
        guard path != job, !extra.contains(path) else {
            throw CollectPlan.forged("it names \(path), a directory, as a file")
        }
    }

    /// A directory is never where a file belongs.
    func check(directory path: FilePath) throws(StagingError) {
        try check(path)
        guard !outputs.contains(path), !logs.contains(path) else {
            throw CollectPlan.forged("it names \(path), a file, as a directory")
        }
    }

    /// A link is never where a file belongs, and stays in the directories that the job saw.
    ///
    /// - Returns: the link, or one to nothing in its place: one that leads to what the job was not given
    ///   would show it to whoever follows it.
    func checked(_ link: LinkEntry) throws(StagingError) -> LinkEntry {
        try check(file: link.path)
        guard !outputs.contains(link.path), !logs.contains(link.path) else {
            throw CollectPlan.forged("it names \(link.path), a file, as a link")
        }
        if link.target == LinkRules.leftBehind { return link }
        guard let target = LinkRules.target(of: link),
            mounted.contains(where: { target.isAtOrBelow($0) })
        else {
            throw CollectPlan.forged(
                "it names \(link.path), a link to \(link.target), which is outside the job"
            )
        }
        let isOurs = target.isAtOrBelow(job) || given.hold(target)
        if isOurs, LinkRules.isPlain(link) { return link }
        return LinkEntry(path: link.path, target: LinkRules.leftBehind)
    }

    private func check(_ path: FilePath) throws(StagingError) {
        if path == job || extra.contains(where: { path.isAtOrBelow($0) }) { return }
        guard let relative = path.relative(to: job) else {
            throw CollectPlan.forged("it names \(path), which is outside the job")
        }
        guard !leftBehind.contains(ByteString(relative.firstComponent)) else {
            throw CollectPlan.forged("it names \(path), which stays in the pod")
        }
    }
}
