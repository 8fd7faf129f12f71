// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names

/// Everything that a job needs, as found on the head's disk before anything is moved.
package struct JobSurvey: Sendable {
    /// The job directory, without what a former run left behind.
    package var job: TreeSurvey
    /// Input datasets, their metadata files and extra files, and reference data.
    package var data: [SurveyedFile] = []
    /// Those of `data` that are reference data.
    package var reference: Set<FilePath> = []
    /// Input datasets that are objects of Galaxy's own object store.
    package var stored: [StoredInput] = []
    /// The extra files of input datasets, where they are such objects.
    package var storedTrees: [StoredTree] = []
    /// The files of every tool directory.
    package var tools: [SurveyedFile] = []
    /// Any of these that are links to objects of the mounted bucket: those need not travel.
    package var linked: [LinkedFile] = []
    /// Inputs that a link may take the place of.
    package var replaceable: Set<FilePath> = []
    /// Outputs that lie outside the job directory and exist already, as Galaxy makes them, empty.
    package var placeholders: [SurveyedFile] = []
    package var directories: [DirectoryEntry] = []
    package var links: [LinkEntry] = []
    /// The directories that must be roots or below one.
    package var homes: [FilePath] = []
    private let mount: BucketMount?
    /// Links of tools and reference data, and where what they lead to belongs.
    private var trusted: [TrustedLink] = []

    private typealias FileList = any WritableKeyPath<JobSurvey, [SurveyedFile]> & Sendable

    private struct TrustedLink: Sendable {
        let link: LinkEntry
        let list: FileList
        /// Whether it lies in a directory that a link led to: its text then means another place there.
        let isBehindLink: Bool
    }

    /// Names directly in the job directory that are remade in the pod or are the head's own.
    package static let leftBehind: Set<ByteString> = Set(
        [
            "_working", "_outputs", "_configs", "home", "tmp", HeadState.directoryName,
        ]
        .map { ByteString($0) }
    )

    /// Looks at every file that `description` names.
    ///
    /// - Parameters:
    ///   - mount: where links name objects, if the bucket is mounted.
    ///   - privateFiles: files of this machine that may not travel, under whatever name.
    /// - Throws: the first file that is missing, unreadable, private, no regular file, or a link that
    ///   leaves the roots, by name.
    package init(
        _ description: JobDescription,
        mount: BucketMount? = nil,
        privateFiles: [[UInt8]] = []
    ) throws(StagingError) {
        self.mount = mount
        job = try TreeSurvey(
            Directory(path: description.jobDirectory),
            skipping: Self.leftBehind
        )
        // What a former run wrote there says nothing of this one.
        job.leaveOut(Set(description.jobFiles.logs))
        homes.append(description.jobDirectory)
        for input in description.inputs { try add(input) }
        for tool in description.toolFiles { try add(tool) }
        let datasets = data.count
        for item in description.referenceData { try add(item) }
        try followLinks()
        reference = Set(data[datasets...].map(\.path))
        for output in description.outputs { try add(output, description) }
        directories += job.directories
        links += job.links
        try refuse(job)
        removeRepeats()
        try refuse(privateFiles)
        try checkLinks()
    }

    private mutating func add(_ input: JobDescription.Input) throws(StagingError) {
        if let object = input.object {
            stored.append(StoredInput(path: input.path, object: object))
            if let parent = input.path.parent { homes.append(parent) }
        } else {
            try addFile(input.path, to: \.data)
            if input.inFileStore == true { replaceable.insert(input.path) }
        }
        for file in input.metadataFiles ?? [] { try addFile(file, to: \.data) }
        guard let extra = input.extraFiles else { return }
        guard let object = input.extraFilesObject else { return try addTree(extra, to: \.data) }
        storedTrees.append(try StoredTree(path: extra, object: object))
        homes.append(extra)
    }

    private mutating func add(_ tool: JobDescription.ToolFiles) throws(StagingError) {
        guard let files = tool.files else {
            return try addTree(tool.root, to: \.tools, isTrusted: true)
        }
        let root = try Directory(path: tool.root)
        homes.append(tool.root)
        for relative in files {
            guard let status = try root.status(relative) else {
                throw .system("read the tool file", try root.name(relative).logSafe, ENOENT)
            }
            let path = try root.name(relative)
            switch status.kind {
            case .directory: try addTree(path, to: \.tools, isTrusted: true)
            case .file:
                tools.append(
                    SurveyedFile(path: path, status: status, in: root, at: relative)
                )
            case .link, .special: try addFile(path, to: \.tools)
            }
        }
    }

    private mutating func add(_ item: JobDescription.ReferenceData) throws(StagingError) {
        let found = FileStatus(following: item.path)
        if found?.kind == .directory {
            return try addTree(item.path, to: \.data, isTrusted: true)
        }
        if found != nil { try addFile(item.path, to: \.data) }
        guard let parent = item.path.parent else { return }
        let names = SiblingNames(of: Array(item.path.lastComponent), isFile: found != nil)
        let siblings = try Directory(path: parent).names().filter(names.contain)
        guard found != nil || !siblings.isEmpty else {
            throw .system("read the reference data", item.path.logSafe, ENOENT)
        }
        for name in siblings {
            let path = try naming { () throws(NameError) in try parent.appending(name) }
            guard FileStatus(following: path)?.kind == .file else { continue }
            do throws(StagingError) {
                try addFile(path, to: \.data)
            } catch  where !names.areNamed(name) {
                // Perhaps nobody needs it; who does is told that it is not there.
                continue
            }
        }
    }

    private mutating func add(
        _ output: JobDescription.Output,
        _ description: JobDescription
    ) throws(StagingError) {
        let job = description.jobDirectory
        if let extra = output.extraFiles, !extra.isAtOrBelow(job), let parent = extra.parent {
            homes.append(parent)
        }
        guard !output.path.isAtOrBelow(job) else { return }
        if let parent = output.path.parent { homes.append(parent) }
        // Without its placeholder Galaxy's script silently skips the output. Of an object of Galaxy's it may
        // not be there: its cache is cleared now and then. What is in it is a former run's.
        let found = FileStatus(at: output.path)
        guard output.object != nil || found != nil else { return }
        // What may be gone at the next look must be the same then: a lost pack is made again from it.
        let mode = output.object == nil && found?.kind == .file ? found?.mode : nil
        placeholders.append(SurveyedFile(emptyAt: output.path, mode: mode ?? FileMode(0o644)))
    }

    private mutating func addFile(
        _ path: FilePath,
        to list: FileList
    ) throws(StagingError) {
        if let parent = path.parent { homes.append(parent) }
        if try addLinked(path) { return }
        self[keyPath: list].append(try SurveyedFile(trusted: path))
    }

    /// Takes a link into the mounted bucket for what it is, without a look through the mount.
    private mutating func addLinked(_ path: FilePath) throws(StagingError) -> Bool {
        guard let mount, let file = try LinkedFile(path, into: mount) else { return false }
        linked.append(file)
        return true
    }

    private mutating func addTree(
        _ path: FilePath,
        to list: FileList,
        isTrusted: Bool = false,
        isBehindLink: Bool = false
    ) throws(StagingError) {
        let tree = try TreeSurvey(Directory(path: path))
        try refuse(tree)
        self[keyPath: list] += tree.files
        directories += tree.directories
        homes.append(path)
        if isTrusted {
            trusted += tree.links.map {
                TrustedLink(link: $0, list: list, isBehindLink: isBehindLink)
            }
        } else {
            links += tree.links
        }
    }

    /// Takes what links of tools and reference data lead to, where no directory of the job holds it: an
    /// administrator has put them there, and what works on this machine is to work in a pod.
    ///
    /// A link that leads nowhere, or to a directory that the link itself is in, is left out.
    private mutating func followLinks() throws(StagingError) {
        let roots = try RootPlan.roots(for: homes)
        while let next = trusted.popLast() {
            let path = next.link.path
            if !next.isBehindLink, LinkRules.target(of: next.link)?.isAtOrBelow(any: roots) == true
            {
                links.append(next.link)
                continue
            }
            guard let found = FileStatus(following: path) else { continue }
            guard found.kind == .directory else {
                self[keyPath: next.list].append(try SurveyedFile(trusted: path))
                continue
            }
            let isAround = sequence(first: path, next: \.parent).dropFirst()
                .contains { FileStatus(following: $0)?.stamp.isOfSameFile(as: found.stamp) ?? true }
            guard !isAround else { continue }
            try addTree(path, to: next.list, isTrusted: true, isBehindLink: true)
        }
    }

    private func refuse(_ tree: TreeSurvey) throws(StagingError) {
        guard let first = tree.refused.first else { return }
        throw StagingError(
            .refused,
            what: "\(first.path) cannot be sent to a worker: \(first.reason)",
            remedy: "Remove it, or leave it out of the job."
        )
    }

    /// Galaxy finds a job's files in texts that hold words of its users.
    private func refuse(_ privateFiles: [[UInt8]]) throws(StagingError) {
        let stamps = privateFiles.compactMap { FileStatus(followingAny: $0)?.stamp }
        for file in job.files + data + tools
        where stamps.contains(where: { file.stamp.isOfSameFile(as: $0) }) {
            throw StagingError(
                .refused,
                what:
                    "\(file.path) cannot be sent to a worker: it holds keys, or the configuration, "
                    + "of the head node",
                remedy: "Find out what in the job names it. Nothing was sent."
            )
        }
    }

    /// The same dataset may be an input many times, and lie in the job directory as well.
    private mutating func removeRepeats() {
        var seen = Set(job.files.map(\.path))
        stored = stored.filter { seen.insert($0.path).inserted }
        data = data.filter { seen.insert($0.path).inserted }
        tools = tools.filter { seen.insert($0.path).inserted }
        placeholders = placeholders.filter { seen.insert($0.path).inserted }
        linked = linked.filter { seen.insert($0.path).inserted }
        var directoriesSeen: Set<FilePath> = []
        directories = directories.filter { directoriesSeen.insert($0.path).inserted }
        var linksSeen: Set<FilePath> = []
        links = links.filter { linksSeen.insert($0.path).inserted }
    }

    private func checkLinks() throws(StagingError) {
        let roots = try RootPlan.roots(for: homes)
        for link in links {
            guard LinkRules.target(of: link)?.isAtOrBelow(any: roots) == true else {
                throw StagingError(
                    .refused,
                    what: "\(link.path) is a link to \(link.target), which the job's directories "
                        + "do not hold",
                    remedy: "Replace the link by what it points to, or remove it."
                )
            }
        }
    }
}

extension FilePath {
    fileprivate func isAtOrBelow(any directories: [FilePath]) -> Bool {
        directories.contains { isAtOrBelow($0) }
    }
}
