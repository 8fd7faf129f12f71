// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client

/// When Galaxy has put a job's outputs at their final places: says in the bucket that they are there
/// already, so that the next job stages nothing, or puts links in their place.
///
/// A file counts as what an attempt has pushed only if it has the same size and, read from its first
/// byte to its last, the same digest. What does not is left alone: Galaxy may have changed it. So is what was
/// stored too long ago: whoever frees space may be about to free it.
package struct FinalRun: Sendable {
    let store: any ObjectStore
    let layout: JobLayout
    /// Files of at most this many bytes travel in packs, and have no use for a record.
    let packBelow: Int64
    /// Makes links; nil for records.
    let keeper: LinkKeeper?
    private let now: @Sendable () -> FileTime
    private let sleep: @Sendable (Duration) async throws -> Void

    /// A file that has just been written is looked at so often, a second apart.
    private static let longestWait = 5

    package init(
        store: any ObjectStore,
        layout: JobLayout,
        packBelow: Int64,
        keeper: LinkKeeper? = nil,
        now: @escaping @Sendable () -> FileTime = Clock.fileTime,
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) {
        self.store = store
        self.layout = layout
        self.packBelow = packBelow
        self.keeper = keeper
        self.now = now
        self.sleep = sleep
    }

    /// - Parameters:
    ///   - report: what the attempt has pushed.
    ///   - paths: where Galaxy has its outputs now.
    /// - Returns: how many of them are known to be in the bucket now.
    package func callAsFunction(
        _ report: AttemptReport,
        _ paths: [FilePath]
    ) async throws(StagingError) -> Int {
        let pushed = Dictionary(grouping: report.files) { $0.size }
        var hasLooked = false
        var count = 0
        // One after the other: nobody waits for it, and reading is what it costs.
        for path in paths {
            do throws(StagingError) {
                guard let found = try await identify(path, pushed) else { continue }
                if let keeper {
                    let trouble = try await trouble(found, keeper, hasLooked: hasLooked)
                    if let trouble {
                        keeper.note(
                            "Outputs of the job stay files, and are not linked: \(trouble)."
                        )
                        return count
                    }
                    hasLooked = true
                    try await link(found, keeper)
                } else {
                    try found.file.check(found.descriptor)
                    try await record(found.output, found.file)
                }
                count += 1
            } catch {
                // Somebody is at work on this file, or has removed it: it stays as it is.
                switch error.code {
                case .changed, .missing, .unreadable: continue
                default: throw error
                }
            }
        }
        return count
    }

    /// A file that has the bytes of an object.
    private struct Found {
        let file: SurveyedFile
        let descriptor: Descriptor
        let output: KeptOutput
    }

    /// The object whose bytes the file at `path` has; nil for none that was stored lately enough.
    private func identify(
        _ path: FilePath,
        _ pushed: [Int64: [PushedFile]]
    ) async throws(StagingError) -> Found? {
        guard let (file, candidates) = try await settled(path, pushed) else { return nil }
        let descriptor = try file.open()
        let source = DescriptorSource(descriptor, length: file.size, name: path)
        let digest = try await Self.digest(source)
        guard let (pushed, key) = candidates.first(where: { $0.0.digest == digest }) else {
            return nil
        }
        let output = KeptOutput(file: pushed.moved(to: path, file), key: key)
        let time = keeper?.now() ?? now()
        let limit = LinkKeeper.longestAge
        let age = try await store.age(of: output, now: time, provenBelow: limit)
        guard let age, age < limit else { return nil }
        return Found(file: file, descriptor: descriptor, output: output)
    }

    private func trouble(
        _ found: Found,
        _ keeper: LinkKeeper,
        hasLooked: Bool
    ) async throws(StagingError) -> String? {
        if !hasLooked, let trouble = try await keeper.look.trouble() { return trouble }
        return await keeper.look.trouble(with: found.output.key, size: found.file.size)
    }

    private func link(
        _ found: Found,
        _ keeper: LinkKeeper
    ) async throws(StagingError) {
        let path = found.file.path
        guard let parent = path.parent else { return }
        try await keeper.link(found.output, try RootSet([parent])) { () throws(StagingError) in
            try found.file.check(found.descriptor)
            guard FileStatus(at: path)?.stamp == found.file.stamp else { throw .changed(path) }
        }
    }

    /// Reads a file to its end, which may take long: tasks have few threads.
    private static func digest(_ source: DescriptorSource) async throws(StagingError) -> CRC64NVME {
        try await Threads.value { () throws(StagingError) in try source.checksum() }
    }

    /// The file at `path`, when it has not been changed for long enough that a change would be seen, and
    /// the objects that it can be.
    private func settled(
        _ path: FilePath,
        _ pushed: [Int64: [PushedFile]]
    ) async throws(StagingError) -> (SurveyedFile, [(PushedFile, ObjectKey)])? {
        for _ in 0...Self.longestWait {
            guard let status = FileStatus(at: path), status.kind == .file else { return nil }
            let size = status.stamp.size
            guard size > 0, keeper != nil || size > packBelow else { return nil }
            let candidates = (pushed[size] ?? [])
                .compactMap { file -> (PushedFile, ObjectKey)? in
                    guard case .object(let key) = file.location else { return nil }
                    return (file, key)
                }
            guard !candidates.isEmpty else { return nil }
            if !status.stamp.isRacy(at: now()) {
                return (try SurveyedFile(trusted: path), candidates)
            }
            guard (try? await sleep(.seconds(1))) != nil else { return nil }
        }
        return nil
    }

    private func record(
        _ output: KeptOutput,
        _ file: SurveyedFile
    ) async throws(StagingError) {
        let record = StagedRecord(
            path: file.path,
            key: output.key,
            size: file.size,
            digest: output.file.digest,
            instance: layout.instance
        )
        let bytes = try documents { () throws(ContractError) in try ContractCoding.encode(record) }
        do throws(S3Error) {
            let key = layout.staged(file.path, version: file.stamp.digest)
            // Whoever was first has recorded an object just as good.
            try await DocumentStore(store).put(bytes, at: key, condition: .absent)
        } catch {
            throw .store("record \(file.path) as staged", error)
        }
    }
}

extension PushedFile {
    /// The same bytes as they are at their final place.
    fileprivate func moved(
        to path: FilePath,
        _ file: SurveyedFile
    ) -> PushedFile {
        var moved = self
        moved.path = path
        moved.mode = file.mode
        moved.modified = file.stamp.modified
        return moved
    }
}
