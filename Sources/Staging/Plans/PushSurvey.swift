// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names

/// What a tool left behind: which files go back, and what cannot.
package struct PushSurvey: Sendable {
    /// Exit code and streams: stored first, whatever happens.
    package private(set) var logs: [SurveyedFile] = []
    package private(set) var files: [SurveyedFile] = []
    package private(set) var directories: [DirectoryEntry] = []
    package private(set) var links: [LinkEntry] = []
    /// What cannot go back, and why.
    private var refusals: [TreeSurvey.Refusal] = []
    /// Declared outputs that do not come back, or not whole: one sentence each.
    package private(set) var lost: [String] = []
    /// Paths of which there is nothing more to say.
    private var seen: Set<FilePath> = []
    private let job: FilePath
    /// What Galaxy has as directories: a file or a link there could not be put in place.
    private let directoriesBefore: Set<FilePath>
    /// Directories where Galaxy has a file; nothing in them could be put in place either.
    private var blocked: Set<FilePath> = []
    private let fetched: [FilePath: FileStamp]
    private let linksBefore: Set<FilePath>
    private let given: GivenPlaces
    private let extraFiles: [FilePath]

    /// How many links an output may be away from its bytes.
    private static let longestChain = 8

    /// Looks at everything the rules say, after the tool's processes are gone.
    ///
    /// - Parameters:
    ///   - scope: what to take; less when the tool failed.
    ///   - fetched: files of the job directory as they were after the fetch; those unchanged are not taken
    ///     again, unless they are outputs.
    ///   - elsewhere: files that the fetch made outside of it, where a link may lead.
    package init(
        _ spec: RunSpec,
        _ roots: RootSet,
        scope: PushRules.OnFailure,
        fetched: [FilePath: FileStamp],
        elsewhere: [FilePath] = []
    ) throws(StagingError) {
        job = spec.job.directory
        self.fetched = fetched
        linksBefore = Set(spec.links.map(\.path))
        given = GivenPlaces(spec, fetched: Set(fetched.keys).union(elsewhere))
        extraFiles = spec.outputs.compactMap(\.extraFiles)
        roots.reopen(spec.leavings)
        directoriesBefore = Set(spec.directories.map(\.path))
        for path in spec.job.logs {
            try noting(path) { (survey) throws(StagingError) in try survey.addLog(path, roots) }
        }
        guard scope != .logs else { return }
        for output in spec.outputs { try add(output, roots) }
        guard scope == .all, try roots.status(job)?.kind == .directory else { return }
        let skipping = Set(spec.push.leaveBehind)
        let tree = try TreeSurvey(roots.directory(job), skipping: skipping, reopening: true)
        block(tree)
        for file in tree.files where fetched[file.path] != file.stamp { try take(file) }
        try take(rest: tree, roots)
    }

    /// One sentence each, each naming a path.
    package var refused: [String] {
        refusals.map { "\($0.path) was left behind: \($0.reason)" }
    }

    /// Takes an output and its extra files; what of them cannot go back is lost, not just refused.
    private mutating func add(
        _ output: OutputEntry,
        _ roots: RootSet
    ) throws(StagingError) {
        try noting(output.path) { (survey) throws(StagingError) in
            try survey.addFile(output.path, roots)
        }
        if !files.contains(where: { $0.path == output.path }) {
            let reason = refusals.last { $0.path == output.path }?.reason
            lose(output, output.path, reason ?? "it is not there any more")
        }
        guard let extra = output.extraFiles else { return }
        let before = refusals.count
        try noting(extra) { (survey) throws(StagingError) in try survey.addTree(extra, roots) }
        // A link out of the tree is dropped by Galaxy itself, wherever a job runs.
        for refusal in refusals[before...] where refusal.losesContents {
            lose(output, refusal.path, refusal.reason)
        }
    }

    private mutating func lose(
        _ output: OutputEntry,
        _ path: FilePath,
        _ reason: String
    ) {
        lost.append("The output \"\(output.name.logSafe)\" did not come back, \(path): \(reason)")
    }

    /// Runs `body`; what the tool put on the way to `path` costs this path alone.
    private mutating func noting(
        _ path: FilePath,
        _ body: (inout PushSurvey) throws(StagingError) -> Void
    ) throws(StagingError) {
        do throws(StagingError) {
            try body(&self)
        } catch {
            switch error.code {
            case .refused, .unreadable, .missing: refuse(path, error.what)
            default: throw error
            }
        }
    }

    private mutating func refuse(
        _ path: FilePath,
        _ reason: String,
        losesContents: Bool = true
    ) {
        seen.insert(path)
        refusals.append(
            TreeSurvey.Refusal(path: path, reason: reason, losesContents: losesContents)
        )
    }

    private mutating func addLog(
        _ path: FilePath,
        _ roots: RootSet
    ) throws(StagingError) {
        guard let status = try roots.status(path) else { return }
        guard status.kind == .file else { return refuse(path, "it is no file any more") }
        let (root, relative) = try roots.locate(path)
        let file = SurveyedFile(path: path, status: status, in: root, at: relative)
        if seen.insert(path).inserted, let file = try readable(file) { logs.append(file) }
    }

    private mutating func addTree(
        _ extra: FilePath,
        _ roots: RootSet
    ) throws(StagingError) {
        switch try roots.status(extra)?.kind {
        case .directory:
            let tree = try TreeSurvey(roots.directory(extra), reopening: true)
            block(tree)
            for file in tree.files { try take(file) }
            try take(rest: tree, roots)
        case .none: return
        default: refuse(extra, "it is no directory")
        }
    }

    /// Takes an output; one that the tool replaced by a link is read through, below a root.
    private mutating func addFile(
        _ path: FilePath,
        _ roots: RootSet
    ) throws(StagingError) {
        var place = path
        for _ in 0..<Self.longestChain {
            let (root, relative) = try roots.locate(place)
            guard let status = try root.status(relative) else {
                if place != path { refuse(path, "it is a link to nothing") }
                return
            }
            switch status.kind {
            case .file:
                return try take(SurveyedFile(path: path, status: status, in: root, at: relative))
            case .link:
                let link = LinkEntry(path: place, target: try root.linkTarget(relative))
                guard let target = LinkRules.target(of: link), (try? roots.locate(target)) != nil
                else { return refuse(path, "it is a link to \(link.target), outside the job") }
                place = target
            case .directory: return refuse(path, "it is a directory")
            case .special(let kind): return refuse(path, "it is a \(kind)")
            }
        }
        refuse(path, "it is a chain of too many links")
    }

    /// Notes directories that the tool made where Galaxy has a file.
    private mutating func block(_ tree: TreeSurvey) {
        for directory in tree.directories
        where fetched[directory.path] != nil || linksBefore.contains(directory.path) {
            guard blocked.insert(directory.path).inserted else { continue }
            if !seen.contains(directory.path) {
                refuse(directory.path, "it was no directory before the tool ran")
            }
        }
    }

    private func isBlocked(_ path: FilePath) -> Bool {
        guard !blocked.isEmpty else { return false }
        var place: FilePath? = path
        while let here = place {
            if blocked.contains(here) { return true }
            place = here.parent
        }
        return false
    }

    private mutating func take(_ file: SurveyedFile) throws(StagingError) {
        guard !isBlocked(file.path), seen.insert(file.path).inserted else { return }
        guard !directoriesBefore.contains(file.path) else {
            return refuse(file.path, "it was a directory before the tool ran")
        }
        if let file = try readable(file) { files.append(file) }
    }

    /// The file as it can be read, made so if it is ours; if not, that is noted.
    private mutating func readable(_ file: SurveyedFile) throws(StagingError) -> SurveyedFile? {
        if file.isSurelyReadable { return file }
        do throws(StagingError) {
            _ = try file.open()
            return file
        } catch {
            guard error.code == .unreadable else { throw error }
            if let opened = try? file.madeReadable() { return opened }
            refuse(file.path, "it may not be read")
            return nil
        }
    }

    /// Directories, links that stay inside, and a word on everything else.
    private mutating func take(
        rest tree: TreeSurvey,
        _ roots: RootSet
    ) throws(StagingError) {
        for directory in tree.directories
        where !isBlocked(directory.path) && seen.insert(directory.path).inserted {
            directories.append(directory)
        }
        for link in tree.links where !seen.contains(link.path) && !isBlocked(link.path) {
            if let reason = problem(with: link, roots) {
                refuse(link.path, reason, losesContents: false)
                guard isWhereGalaxyLooks(link.path), !directoriesBefore.contains(link.path) else {
                    continue
                }
                links.append(LinkEntry(path: link.path, target: LinkRules.leftBehind))
            } else {
                seen.insert(link.path)
                links.append(link)
            }
        }
        // A directory that may not be read is both taken, empty, and refused, by name.
        let named = Set(refusals.map(\.path))
        for refusal in tree.refused where !named.contains(refusal.path) {
            refuse(refusal.path, refusal.reason, losesContents: refusal.losesContents)
        }
    }

    /// Whether Galaxy may take `path` for a result. What leads out of extra files it drops itself.
    private func isWhereGalaxyLooks(_ path: FilePath) -> Bool {
        path.isAtOrBelow(job) && !extraFiles.contains { path.isAtOrBelow($0) }
    }

    /// Why a link cannot go back; nil if it can.
    ///
    /// One out of the job directory must lead to something that this job was given: what the tool has
    /// made there says nothing of what is there on the head.
    private func problem(
        with link: LinkEntry,
        _ roots: RootSet
    ) -> String? {
        if directoriesBefore.contains(link.path) { return "it was a directory before the tool ran" }
        guard LinkRules.isPlain(link), let target = LinkRules.target(of: link), roots.holds(target)
        else { return "it is a link to \(link.target), outside the job" }
        if target.isAtOrBelow(job) { return nil }
        guard given.hold(target), let status = try? roots.status(target), status.kind != .link
        else { return "it is a link to \(link.target), which the job was not given" }
        return nil
    }
}

extension RunSpec {
    /// Where a tool leaves what comes back, and what is opened on the way there: all roots.
    package var leavings: [FilePath] {
        roots + job.logs + [job.directory] + outputs.map(\.path)
            + outputs.compactMap(\.extraFiles)
    }
}
