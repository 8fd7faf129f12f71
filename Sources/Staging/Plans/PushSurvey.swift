// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// What a tool left behind: which files go back, and what cannot.
package struct PushSurvey: Sendable {
    /// Exit code and streams: stored first, whatever happens.
    package private(set) var logs: [SurveyedFile] = []
    package private(set) var files: [SurveyedFile] = []
    package private(set) var directories: [DirectoryEntry] = []
    package private(set) var links: [LinkEntry] = []
    /// One sentence each, each naming a path.
    package private(set) var refused: [String] = []
    /// Paths whose bytes are found elsewhere, because the tool replaced an output by a link.
    private var seen: Set<FilePath> = []

    /// How many links an output may be away from its bytes.
    private static let longestChain = 8

    /// Looks at everything the rules say, after the tool's processes are gone.
    ///
    /// - Parameters:
    ///   - scope: what to take; less when the tool failed.
    ///   - fetched: files as they were after the fetch; those unchanged are not taken again, unless
    ///     they are outputs.
    package init(
        _ spec: RunSpec,
        _ roots: RootSet,
        scope: PushRules.OnFailure,
        fetched: [FilePath: FileStamp]
    ) throws(StagingError) {
        for path in spec.job.logs { try addLog(path, roots) }
        guard scope != .logs else { return }
        for output in spec.outputs { try add(output, roots) }
        guard scope == .all, try roots.status(spec.job.directory)?.kind == .directory else {
            return
        }
        let skipping = Set(spec.push.leaveBehind)
        let tree = try TreeSurvey(roots.directory(spec.job.directory), skipping: skipping)
        for file in tree.files where fetched[file.path] != file.stamp { take(file) }
        try take(rest: tree, roots)
    }

    private mutating func addLog(
        _ path: FilePath,
        _ roots: RootSet
    ) throws(StagingError) {
        guard try roots.status(path)?.kind == .file else { return }
        let (root, relative) = try roots.locate(path)
        guard let status = try root.status(relative), seen.insert(path).inserted else { return }
        logs.append(SurveyedFile(path: path, status: status, in: root, at: relative))
    }

    private mutating func add(
        _ output: OutputEntry,
        _ roots: RootSet
    ) throws(StagingError) {
        try addFile(output.path, named: output.name, roots)
        guard let extra = output.extraFiles else { return }
        switch try roots.status(extra)?.kind {
        case .directory:
            let tree = try TreeSurvey(roots.directory(extra))
            for file in tree.files { take(file) }
            try take(rest: tree, roots)
        case .none: return
        default: refused.append("\(extra) was left behind: it is no directory")
        }
    }

    /// Takes an output; one that the tool replaced by a link is read through, below a root.
    private mutating func addFile(
        _ path: FilePath,
        named name: String,
        _ roots: RootSet
    ) throws(StagingError) {
        var place = path
        for _ in 0..<Self.longestChain {
            let (root, relative) = try roots.locate(place)
            guard let status = try root.status(relative) else {
                if place != path { refused.append(dangling(path)) }
                return
            }
            switch status.kind {
            case .file:
                take(SurveyedFile(path: path, status: status, in: root, at: relative))
                return
            case .link:
                let link = LinkEntry(path: place, target: try root.linkTarget(relative))
                guard let target = LinkRules.target(of: link), (try? roots.locate(target)) != nil
                else {
                    refused.append(
                        "\(path) was left behind: it is a link to \(link.target), outside the job"
                    )
                    return
                }
                place = target
            case .directory:
                refused.append("\(path) was left behind: it is a directory")
                return
            case .special(let kind):
                refused.append("\(path) was left behind: it is a \(kind)")
                return
            }
        }
        refused.append("\(path) was left behind: it is a chain of too many links")
    }

    private func dangling(_ path: FilePath) -> String {
        "\(path) was left behind: it is a link to nothing"
    }

    private mutating func take(_ file: SurveyedFile) {
        if seen.insert(file.path).inserted { files.append(file) }
    }

    /// Directories, links that stay inside, and a word on everything else.
    private mutating func take(
        rest tree: TreeSurvey,
        _ roots: RootSet
    ) throws(StagingError) {
        for directory in tree.directories where seen.insert(directory.path).inserted {
            directories.append(directory)
        }
        for link in tree.links where seen.insert(link.path).inserted {
            if let target = LinkRules.target(of: link), (try? roots.locate(target)) != nil {
                links.append(link)
            } else {
                refused.append(
                    "\(link.path) was left behind: it is a link to \(link.target), outside the job"
                )
            }
        }
        for (path, reason) in tree.refused {
            refused.append("\(path) was left behind: \(reason)")
        }
    }
}
