// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client
import Staging

/// Looks at what is in the bucket, and at what Galaxy's disk says about it.
///
/// The bucket is listed first: whatever is stored afterwards is in no plan. A document that cannot be
/// read ends the survey, because nobody knows what it names. So does the sign of a Galaxy that is not on
/// this disk.
struct GarbageSurvey: Sendable {
    let store: any ObjectStore
    let layout: JobLayout
    /// Where links name objects; nil makes every link count as there.
    let mount: BucketMount?
    let transfers: Int
    /// Who else may need what is gone here.
    let signs: GalaxySigns

    /// - Throws: when something cannot be read, with its key; `.busy` when another Galaxy may live that
    ///   takes itself for this one.
    func callAsFunction() async throws(HeadError) -> GarbageFacts {
        let listed = try await storing("Cannot list what is in the bucket") {
            () async throws(S3Error) in try await store.entries(below: layout.everything)
        }
        var facts = GarbageFacts(instance: layout.instance, layout: layout, objects: listed)
        facts.uploads = try await uploads()
        try await staging("Cannot find out what is still needed") {
            () async throws(StagingError) in
            try await readRecords(&facts)
            try await readLinks(&facts)
            try await readRuns(&facts)
        }
        // Last, so that it is the latest word.
        try await signs.check()
        return facts
    }

    /// nil where we may not ask, or the store does not know how to answer: a lifecycle rule aborts
    /// them as well.
    private func uploads() async throws(HeadError) -> [OpenUpload]? {
        try await storing("Cannot list uploads that were cut off") { () async throws(S3Error) in
            do throws(S3Error) {
                return try await store.openUploads(below: layout.everything)
            } catch  where error.code == .accessDenied || error.code == .refused {
                return nil
            }
        }
    }

    // MARK: Records

    private func readRecords(_ facts: inout GarbageFacts) async throws(StagingError) {
        let keys = facts.objects.map(\.key).filter { layout.kind(of: $0) == .staged }
        let documents = DocumentStore(store)
        let read = try await boundedMap(keys, limit: transfers) {
            (key) async throws(StagingError) -> (ObjectKey, GarbageFacts.RecordFact)? in
            guard let record = try await documents.read(StagedRecord.self, at: key, name: "record")
            else { return nil }
            let isOurs = record.instance == layout.instance
            let version = key.bytes.split(separator: FilePath.separator).last ?? []
            let path = isOurs ? fact(record.path, version: version) : .unknown
            return (key, GarbageFacts.RecordFact(key: record.key, path: path))
        }
        for case (let key, let fact)? in read { facts.records[key] = fact }
    }

    func readLinks(_ facts: inout GarbageFacts) async throws(StagingError) {
        var keys: [(ObjectKey, isOurs: Bool)] = []
        for entry in facts.objects {
            if case .link(let instance) = layout.kind(of: entry.key) {
                keys.append((entry.key, instance == layout.instance))
            }
        }
        let documents = DocumentStore(store)
        let read = try await boundedMap(keys, limit: transfers) {
            (key, isOurs) async throws(StagingError) -> (ObjectKey, GarbageFacts.LinkFact)? in
            guard
                let record = try await documents.read(
                    LinkRecord.self,
                    at: key,
                    name: "link's record"
                )
            else { return nil }
            let path = isOurs ? fact(record.path, linkedTo: record.key) : .unknown
            let isMarked = record.isGone == true
            return (key, GarbageFacts.LinkFact(key: record.key, path: path, isMarked: isMarked))
        }
        for case (let key, let fact)? in read { facts.links[key] = fact }
    }

    /// What the file at `path` has become since it was staged.
    private func fact(
        _ path: FilePath,
        version: some Sequence<UInt8>
    ) -> GarbageFacts.PathFact {
        guard let (directory, name) = place(of: path), let status = try? directory.status(name)
        else { return gone(path) }
        var stamp = status.stamp
        if status.kind == .link {
            if key(of: path, in: directory, name) != nil { return .other }
            guard let target = FileStatus(following: path) else { return .unknown }
            stamp = target.stamp
        }
        return stamp.digest.utf8.elementsEqual(version) ? .same : .other
    }

    /// Whether there is still a link to `key` at `path`.
    private func fact(
        _ path: FilePath,
        linkedTo key: ObjectKey
    ) -> GarbageFacts.PathFact {
        guard mount != nil else { return .unknown }
        guard let (directory, name) = place(of: path), let status = try? directory.status(name)
        else { return gone(path) }
        guard status.kind == .link else { return .other }
        // A link that leads elsewhere, or cannot be read, may be one that was made when the bucket was
        // mounted somewhere else: nothing of it is known to be gone.
        guard let found = self.key(of: path, in: directory, name) else { return .unknown }
        return found == key ? .same : .other
    }

    /// Nothing is gone unless its directory is there to say so: a disk that is not mounted has none.
    private func gone(_ path: FilePath) -> GarbageFacts.PathFact {
        guard let (directory, name) = place(of: path) else { return .unknown }
        do throws(StagingError) {
            return try directory.status(name) == nil ? .other : .unknown
        } catch {
            return .unknown
        }
    }

    private func place(of path: FilePath) -> (Directory, RelativePath)? {
        guard let parent = path.parent, let directory = try? Directory(path: parent),
            let name = try? RelativePath(path.lastComponent)
        else { return nil }
        return (directory, name)
    }

    private func key(
        of path: FilePath,
        in directory: Directory,
        _ name: RelativePath
    ) -> ObjectKey? {
        guard let mount, let target = try? directory.linkTarget(name) else { return nil }
        return mount.key(of: LinkEntry(path: path, target: target))
    }

    // MARK: Runs

    private func readRuns(_ facts: inout GarbageFacts) async throws(StagingError) {
        var found: Set<Whose> = []
        for entry in facts.objects {
            if case .job(let instance, let run) = layout.kind(of: entry.key) {
                found.insert(Whose(instance: instance, run: run))
            }
        }
        let documents = DocumentStore(store)
        let read = try await boundedMap(Array(found), limit: transfers) {
            (whose) async throws(StagingError) -> (Whose, GarbageFacts.RunFact) in
            let place = JobLayout(prefix: layout.prefix, instance: whose.instance)
            let key = place.spec(whose.run)
            guard let spec = try await documents.read(RunSpec.self, at: key, name: "spec") else {
                // It was never submitted; if somebody stages it now, its objects are new.
                return (whose, GarbageFacts.RunFact(isLive: false))
            }
            let needs = Set(spec.inputs.map(\.key) + spec.packs.map(\.key))
            let isLive = whose.instance != layout.instance || isLive(whose.run, spec)
            return (whose, GarbageFacts.RunFact(isLive: isLive, needs: needs))
        }
        for (whose, fact) in read {
            if whose.instance == layout.instance {
                facts.runs[whose.run] = fact
            } else {
                facts.neededElsewhere.formUnion(fact.needs)
            }
        }
    }

    private struct Whose: Hashable {
        let instance: InstanceName
        let run: RunID
    }

    /// Whether Galaxy may still want something of the run. Once its job directory is gone, or another
    /// run's, or says that the run came to nothing or was let go of, it wants nothing.
    private func isLive(_ run: RunID, _ spec: RunSpec) -> Bool {
        if gone(spec.job.directory) == .other { return false }
        do {
            let directory = try Directory(path: spec.job.directory)
            let notes = try RelativePath(HeadState.directoryName)
            guard try directory.status(notes) != nil else { return false }
            guard let state = try RunNotes.state(in: spec.job.directory) else { return true }
            return try state.run == run && RunNotes.isWanted(state, in: spec.job.directory)
        } catch {
            // What may not be looked at may be in use.
            return true
        }
    }
}
