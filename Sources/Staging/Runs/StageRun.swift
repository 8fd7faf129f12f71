// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client

/// Puts into the bucket what a plan says the worker will need and the bucket does not have.
///
/// Nothing is overwritten and nothing is trusted before it is verified, so it may be cut off
/// anywhere and run again.
package struct StageRun: Sendable {
    let store: any ObjectStore
    let layout: JobLayout
    let run: RunID
    let transfers: Int
    let meter: PhaseMeter
    /// Who else puts the same into the bucket.
    let uploads: KeyedLock
    let now: @Sendable () -> FileTime
    /// Of each file, once it is known how many there are.
    private var limits = TransferLimits()

    /// - Parameter uploads: of all runs that may want the same files at once: one of them uploads what the
    ///   others then find.
    package init(
        store: any ObjectStore,
        layout: JobLayout,
        run: RunID,
        transfers: Int,
        meter: PhaseMeter,
        uploads: KeyedLock,
        now: @escaping @Sendable () -> FileTime = Clock.fileTime
    ) {
        self.store = store
        self.layout = layout
        self.run = run
        self.transfers = transfers
        self.meter = meter
        self.uploads = uploads
        self.now = now
    }

    /// What the spec says of files after staging.
    package struct Staged: Sendable {
        package var packs: [PackEntry] = []
        package var inputs: [InputEntry] = []
    }

    private enum Step: Sendable {
        case runPack([SurveyedFile])
        case contentPack([SurveyedFile], PackPlan.Times, isShared: Bool?)
        case shared(SurveyedFile)
        case linked(LinkedFile)
        case ofRun(SurveyedFile)
        case stored(StoredInput)
        case storedTree(StoredTree)
    }

    private enum Outcome: Sendable {
        case pack(PackEntry)
        case input(InputEntry)
        case inputs([InputEntry])
    }

    /// Stages everything, at most `transfers` files at once.
    package func callAsFunction(_ plan: StagePlan) async throws(StagingError) -> Staged {
        var sized = self
        let sizes = (plan.shared + plan.runObjects).map(\.size)
        sized.limits = TransferLimits(sharedBy: sizes, atOnce: transfers)
        return try await sized.stage(plan)
    }

    private func stage(_ plan: StagePlan) async throws(StagingError) -> Staged {
        // The largest first: what is left at the end is moved by few connections.
        var steps =
            (plan.shared.map { ($0.size, Step.shared($0)) }
            + plan.runObjects.map { ($0.size, Step.ofRun($0)) })
            .sorted { $0.0 > $1.0 }
            .map(\.1)
        steps += plan.stored.map { .stored($0) } + plan.storedTrees.map { .storedTree($0) }
        steps += plan.linked.map { .linked($0) }
        if !plan.runPack.isEmpty { steps.append(.runPack(plan.runPack)) }
        for (files, times) in [(plan.dataPack, PackPlan.Times.own), (plan.toolPack, .fixed)]
        where !files.isEmpty {
            let isShared = plan.isShared(files.lazy.map(\.path))
            steps.append(.contentPack(files, times, isShared: isShared))
        }
        let outcomes = try await boundedMap(steps, limit: transfers) {
            (step) async throws(StagingError) -> Outcome in try await perform(step)
        }
        var staged = Staged()
        for outcome in outcomes {
            switch outcome {
            case .pack(let pack): staged.packs.append(pack)
            case .input(let input): staged.inputs.append(input)
            case .inputs(let inputs): staged.inputs += inputs
            }
        }
        staged.inputs.sort { $0.path < $1.path }
        return staged
    }

    private func perform(_ step: Step) async throws(StagingError) -> Outcome {
        switch step {
        case .runPack(let files):
            let plan = try PackPlan(files, times: .own)
            let key = layout.runPack(run, nonce: Nonce.draw())
            let name = "the pack"
            return .pack(try await verified.pack(plan, to: key, digest: .sha256, name: name).entry)
        case .contentPack(let files, let times, let isShared):
            var pack = try await contentPack(try PackPlan(files, times: times))
            pack.isShared = isShared
            return .pack(pack)
        case .shared(let file):
            return .input(try await shared(file))
        case .linked(let link):
            return .input(try await linked(link))
        case .ofRun(let file):
            return .input(entry(file, try await upload(file)))
        case .stored(let input):
            return .input(try await pinned(input))
        case .storedTree(let tree):
            return .inputs(try await pinned(tree))
        }
    }

    /// A directory of Galaxy's own objects: listed, and each looked at.
    private func pinned(_ tree: StoredTree) async throws(StagingError) -> [InputEntry] {
        let entries: [ListPage.Entry]
        do throws(S3Error) {
            entries = try await store.entries(below: tree.object.key.bytes)
        } catch {
            throw .store("list \(tree.path) in Galaxy's object store", error)
        }
        let files = try tree.files(entries)
        let stored = try await boundedMap(files.stored, limit: transfers) {
            (file) async throws(StagingError) in try await pinned(file)
        }
        let staged = try await boundedMap(files.cachedOnly, limit: transfers) {
            (file) async throws(StagingError) in try await shared(file)
        }
        return stored + staged
    }

    /// An object of Galaxy's own: looked at, and pinned as it is.
    private func pinned(_ input: StoredInput) async throws(StagingError) -> InputEntry {
        let key = input.object.key
        let found: ObjectInfo?
        do throws(S3Error) {
            found = try await store.head(key)
        } catch {
            throw .store("look for \(input.path) in Galaxy's object store", error)
        }
        switch (input.source(found), found, input.cached) {
        case (.object, .some(let info), _):
            meter.skipped(1)
            return InputEntry(
                path: input.path,
                key: key,
                size: info.size,
                digest: info.notedDigest,
                mode: FileMode(0o644),
                modified: FileTime(seconds: info.lastModified ?? 0),
                galaxyObject: GalaxyObject(eTag: info.eTag.text)
            )
        case (.cache, _, .some(let cached)):
            return try await shared(cached)
        case (let source, _, _):
            var why = "it is not there"
            if case .neither(let reason) = source { why = reason }
            throw StagingError(
                .lost,
                what: "The input \(input.path) cannot be had from Galaxy's object store: \(why)",
                place: "s3://\(input.object.bucket.logSafe)/\(key)",
                remedy: "It may have been purged, or never stored: `galaxy-head-node s3 stat` says "
                    + "what is there. Then run the job again."
            )
        }
    }

    /// A file that other jobs may need too: recorded, or uploaded and recorded.
    private func shared(_ file: SurveyedFile) async throws(StagingError) -> InputEntry {
        let key = layout.staged(file.path, version: file.stamp.digest)
        return try await uploads.once(store.url(of: key)) {
            () async throws(StagingError) in
            try await recorded(file, at: key)
        } make: { () async throws(StagingError) in
            try await uploadAndRecord(file, at: key)
        }
    }

    private func recorded(
        _ file: SurveyedFile,
        at key: ObjectKey
    ) async throws(StagingError) -> InputEntry? {
        guard let record = try await record(at: key, for: file) else { return nil }
        meter.skipped(1)
        return entry(file, record)
    }

    private func uploadAndRecord(
        _ file: SurveyedFile,
        at recordKey: ObjectKey
    ) async throws(StagingError) -> InputEntry {
        // Read before the upload: a change in the same tick of the clock that stamps files would go
        // unseen however long the upload takes.
        let isRacy = file.stamp.isRacy(at: now())
        let record = try await upload(file)
        guard !isRacy else { return entry(file, record) }
        let bytes = try Staging.documents { () throws(ContractError) in
            try ContractCoding.encode(record)
        }
        let isFirst: Bool
        do throws(S3Error) {
            isFirst = try await DocumentStore(store).put(bytes, at: recordKey, condition: .absent)
        } catch {
            throw .store("record \(file.path) as staged", error)
        }
        if isFirst { return entry(file, record) }
        // The one that was first may be ours, if its answer was lost.
        guard let winner = try await self.record(at: recordKey, for: file), winner.key != record.key
        else { return entry(file, record) }
        // Another head staged the same version at the same time; ours is not needed.
        do throws(S3Error) {
            try await store.delete(record.key)
        } catch {
            throw .store("delete a copy that is not needed", error)
        }
        return entry(file, winner)
    }

    /// What a link names is in the bucket: its record says what it is.
    private func linked(_ link: LinkedFile) async throws(StagingError) -> InputEntry {
        let record = try await DocumentStore(store)
            .read(
                LinkRecord.self,
                at: layout.link(link.path, to: link.key),
                name: "record of a link"
            )
        guard let record, record.path == link.path, record.key == link.key else {
            // Somebody else's link: its object may be anything, so it is read like any other file.
            return try await shared(try SurveyedFile(trusted: link.path))
        }
        meter.skipped(1)
        return InputEntry(
            path: record.path,
            key: record.key,
            size: record.size,
            digest: record.digest,
            mode: record.mode,
            modified: record.modified
        )
    }

    private func record(
        at key: ObjectKey,
        for file: SurveyedFile
    ) async throws(StagingError) -> StagedRecord? {
        let found = try await DocumentStore(store)
            .read(StagedRecord.self, at: key, name: "staging record")
        guard let found, found.path == file.path, found.size == file.size else { return nil }
        return found
    }

    /// Uploads one file to a fresh key, verifies it, and makes sure that it did not change.
    private func upload(_ file: SurveyedFile) async throws(StagingError) -> StagedRecord {
        let descriptor = try file.open()
        let key = layout.stage(file.path, nonce: Nonce.draw())
        meter.expect(bytes: file.size, files: 1)
        let source = DescriptorSource(descriptor, length: file.size, name: file.path)
        let options = PutOptions(metadata: file.objectMetadata)
        let digest = try await verified(source, to: key, options: options, name: file.path.logSafe)
        try file.check(descriptor)
        meter.finished(1)
        return StagedRecord(
            path: file.path,
            key: key,
            size: file.size,
            digest: digest,
            instance: layout.instance
        )
    }

    var verified: VerifiedUpload {
        VerifiedUpload(store: store, meter: meter, limits: limits)
    }

    private func entry(
        _ file: SurveyedFile,
        _ record: StagedRecord
    ) -> InputEntry {
        InputEntry(
            path: file.path,
            key: record.key,
            size: record.size,
            digest: record.digest,
            mode: file.mode,
            modified: file.stamp.modified
        )
    }
}
