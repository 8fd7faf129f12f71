// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client

/// What can be freed. A pure value: the same facts give the same plan.
///
/// An object is freed only if it is older than the grace period and none of these names it: a run that
/// is not over, a record whose file is still that version, a link. What cannot be told counts as needed:
/// other Galaxies' runs, records and links; paths whose directory is not there; keys that are not ours.
///
/// The bucket may hold the only copy of what a link names. So a link that is gone is marked first, and
/// its object freed when it is still gone a grace period later. `LinkKeeper` links nothing that is older
/// than half of the shortest grace period, so no link is made to what a plan is about to free.
struct GarbagePlan: Sendable, Equatable {
    /// Why something is freed.
    enum Reason: String, Sendable, CaseIterable {
        case endedRun = "ended run"
        case unusedOutput = "unused output"
        case staleRecord = "stale record"
        case unusedStaged = "unused staged file"
        case unusedPack = "unused pack"
        case goneLink = "gone link"
        case trial = "left by a trial"
    }

    struct Item: Sendable, Equatable {
        var key: ObjectKey
        var size: Int64
        var reason: Reason
    }

    /// In the order in which they are freed: what names something before what is named.
    private(set) var items: [Item] = []
    /// Records of links that are gone for the first time.
    private(set) var marks: [ObjectKey] = []
    /// Records of links that were gone, and are back.
    private(set) var unmarks: [ObjectKey] = []
    /// Multipart uploads that were cut off; nil where the store does not list them.
    private(set) var uploads: [OpenUpload]?
    /// What is kept, in bytes and objects.
    private(set) var keptBytes: Int64 = 0
    private(set) var keptObjects = 0

    /// What was stored later than this is kept, in seconds since 1970.
    var horizon: Int64

    /// The shortest grace period, in seconds.
    static let shortestGrace: Int64 = 24 * 3600

    /// - Parameters:
    ///   - grace: how old what is freed must be, in seconds.
    ///   - now: when the facts began to be looked for, in seconds since 1970, by the store's clock if
    ///     that is known.
    init(
        _ facts: GarbageFacts,
        grace: Int64,
        now: Int64
    ) {
        let horizon = now - max(grace, Self.shortestGrace)
        self.horizon = horizon
        let isOld: (ListPage.Entry) -> Bool = { entry in
            entry.lastModified.map { $0 < horizon } ?? false
        }
        let over = Self.runsThatAreOver(facts, isOld)
        var freed: [Reason: [Item]] = [:]
        var needed = facts.neededElsewhere
        for (run, fact) in facts.runs where !over.contains(run) { needed.formUnion(fact.needs) }
        var named: [ListPage.Entry] = []
        for entry in facts.objects {
            let reason: Reason?
            switch facts.layout.kind(of: entry.key) {
            case .staged:
                reason = Self.reason(record: entry, facts, isOld, &needed)
            case .link(let instance):
                reason = reasonToFree(link: entry, of: instance, facts, isOld, &needed)
            case .job(facts.instance, let run): reason = over.contains(run) ? .endedRun : nil
            case .trial: reason = isOld(entry) ? .trial : nil
            case .stage, .pack, .data:
                named.append(entry)
                continue
            case .job, nil: reason = nil
            }
            take(entry, reason, &freed)
        }
        for entry in named {
            let isFree = isOld(entry) && !needed.contains(entry.key)
            let reason: Reason?
            switch facts.layout.kind(of: entry.key) {
            case .stage: reason = .unusedStaged
            case .pack: reason = .unusedPack
            case .data(facts.instance, let run):
                // A run of which nothing else is left is over too.
                reason = over.contains(run) || facts.runs[run] == nil ? .unusedOutput : nil
            default: reason = nil
            }
            take(entry, isFree ? reason : nil, &freed)
        }
        let order: [Reason] = [
            .staleRecord, .goneLink, .unusedOutput, .unusedStaged, .unusedPack, .endedRun, .trial,
        ]
        items = order.flatMap { freed[$0] ?? [] }
        uploads = facts.uploads?
            .filter { upload in
                guard let begun = upload.begun, begun < horizon else { return false }
                return Self.isCutOff(upload, facts, over)
            }
    }

    /// Whether nobody can be at work on an old upload any more. Staged files and packs are everybody's,
    /// and no head takes that long; results wait for a worker as long as its run may go on.
    private static func isCutOff(
        _ upload: OpenUpload,
        _ facts: GarbageFacts,
        _ over: Set<RunID>
    ) -> Bool {
        switch facts.layout.kind(of: upload.key) {
        case .stage, .pack, .trial: true
        case .data(facts.instance, let run), .job(facts.instance, let run):
            over.contains(run) || facts.runs[run] == nil
        case .data, .job, .staged, .link, nil: false
        }
    }

    /// Bytes and objects that are freed, by reason.
    var sums: [(reason: Reason, objects: Int, bytes: Int64)] {
        Reason.allCases.compactMap { reason in
            let found = items.filter { $0.reason == reason }
            return found.isEmpty
                ? nil : (reason, found.count, found.reduce(0) { $0 + $1.size })
        }
    }

    /// Runs of this Galaxy's that nobody wants anything of, and that have been so for long enough.
    private static func runsThatAreOver(
        _ facts: GarbageFacts,
        _ isOld: (ListPage.Entry) -> Bool
    ) -> Set<RunID> {
        var over = Set(facts.runs.filter { !$0.value.isLive }.keys)
        for entry in facts.objects where !isOld(entry) {
            if case .job(facts.instance, let run) = facts.layout.kind(of: entry.key) {
                over.remove(run)
            }
        }
        return over
    }

    private static func reason(
        record entry: ListPage.Entry,
        _ facts: GarbageFacts,
        _ isOld: (ListPage.Entry) -> Bool,
        _ needed: inout Set<ObjectKey>
    ) -> Reason? {
        guard let record = facts.records[entry.key] else { return nil }
        if record.path == .other, isOld(entry) { return .staleRecord }
        needed.insert(record.key)
        return nil
    }

    private mutating func reasonToFree(
        link entry: ListPage.Entry,
        of instance: InstanceName,
        _ facts: GarbageFacts,
        _ isOld: (ListPage.Entry) -> Bool,
        _ needed: inout Set<ObjectKey>
    ) -> Reason? {
        guard let link = facts.links[entry.key] else { return nil }
        guard instance == facts.instance, link.path == .other else {
            needed.insert(link.key)
            if instance == facts.instance, link.path == .same, link.isMarked {
                unmarks.append(entry.key)
            }
            return nil
        }
        if link.isMarked, isOld(entry) { return .goneLink }
        needed.insert(link.key)
        if !link.isMarked { marks.append(entry.key) }
        return nil
    }

    private mutating func take(
        _ entry: ListPage.Entry,
        _ reason: Reason?,
        _ freed: inout [Reason: [Item]]
    ) {
        guard let reason else {
            keptBytes += entry.size
            keptObjects += 1
            return
        }
        freed[reason, default: []].append(Item(key: entry.key, size: entry.size, reason: reason))
    }
}
