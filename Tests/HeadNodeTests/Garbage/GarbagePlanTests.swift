// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import Staging
import Testing

@testable import HeadNode

/// What is freed, and above all what is not.
@Suite struct GarbagePlanTests {
    private static let now: Int64 = 2_000_000_000
    private static let day: Int64 = 86_400
    private static let old = now - 10 * day
    private static let young = now - 6 * day

    private let layout: JobLayout
    private let other: JobLayout
    private let run: RunID
    private let attempt: AttemptID
    private let path: FilePath

    init() throws {
        layout = JobLayout(prefix: try KeyPrefix("g"), instance: try InstanceName("main"))
        other = JobLayout(prefix: try KeyPrefix("g"), instance: try InstanceName("other"))
        run = try RunID("1-0123456789abcdef")
        attempt = try AttemptID(drawnFor: "pod")
        path = try FilePath("/galaxy/objects/1.dat")
    }

    private var stage: ObjectKey { layout.stage(path, nonce: String(repeating: "a", count: 32)) }
    private var record: ObjectKey {
        layout.staged(path, version: String(repeating: "b", count: 64))
    }
    private var pack: ObjectKey { layout.pack(SHA256Digest(of: [1])) }
    private var data: ObjectKey { layout.data(run, attempt, 0) }
    private var link: ObjectKey { layout.link(path, to: data) }

    private func facts(
        _ keys: [ObjectKey],
        modified: Int64? = old,
        _ change: (inout GarbageFacts) -> Void = { _ in }
    ) -> GarbageFacts {
        var facts = GarbageFacts(instance: layout.instance, layout: layout)
        facts.objects = keys.map { ListPage.Entry(key: $0, size: 10, lastModified: modified) }
        change(&facts)
        return facts
    }

    private func freed(_ facts: GarbageFacts, grace: Int64 = 7 * day) -> [ObjectKey] {
        GarbagePlan(facts, grace: grace, now: Self.now).items.map(\.key)
    }

    @Test func whatNothingNamesIsFreedWhenItIsOld() {
        let keys = [stage, pack, data]
        #expect(Set(freed(facts(keys))) == Set(keys))
        #expect(freed(facts(keys, modified: Self.young)).isEmpty)
        #expect(freed(facts(keys, modified: nil)).isEmpty, "its age is not known")
    }

    @Test("no grace period is shorter than a day")
    func shortestGrace() {
        #expect(freed(facts([stage], modified: Self.now - Self.day), grace: 0).isEmpty)
        #expect(freed(facts([stage], modified: Self.now - Self.day - 1), grace: 0) == [stage])
    }

    @Test("half of the shortest grace period is as old as what is linked may be")
    func linkedObjectsAreNeverOld() {
        #expect(LinkKeeper.longestAge * 2 <= GarbagePlan.shortestGrace)
    }

    @Test func whatARunNeedsIsKeptUntilItIsOver() {
        let job = [layout.spec(run), layout.result(run), layout.report(run, attempt)]
        let keys = job + [data, stage, pack]
        let needs: Set<ObjectKey> = [stage, pack]
        let live = facts(keys) { $0.runs[run] = .init(isLive: true, needs: needs) }
        #expect(freed(live).isEmpty)
        let over = facts(keys) { $0.runs[run] = .init(isLive: false, needs: needs) }
        #expect(Set(freed(over)) == Set(keys))
        // Over, but not for long.
        var lately = over
        lately.objects[1].lastModified = Self.young
        #expect(freed(lately).isEmpty)
    }

    @Test func theRunsInputsMayBeAnotherRunsOutputs() throws {
        let next = try RunID("2-0123456789abcdef")
        let keys = [data, layout.spec(next)]
        let facts = facts(keys) { $0.runs[next] = .init(isLive: true, needs: [data]) }
        #expect(freed(facts).isEmpty)
    }

    @Test(arguments: [GarbageFacts.PathFact.same, .unknown])
    func aRecordThatHoldsKeepsItsObject(_ fact: GarbageFacts.PathFact) {
        for object in [stage, data] {
            let facts = facts([record, object]) {
                $0.records[record] = .init(key: object, path: fact)
            }
            #expect(freed(facts).isEmpty)
        }
    }

    @Test func aRecordOfAFileThatIsGoneIsFreedBeforeItsObject() {
        for object in [stage, data] {
            let facts = facts([object, record]) {
                $0.records[record] = .init(key: object, path: .other)
            }
            #expect(freed(facts) == [record, object])
        }
    }

    @Test("a record that vanished while it was looked for frees nothing by itself")
    func aRecordThatVanished() {
        #expect(freed(facts([record])).isEmpty)
        #expect(freed(facts([link])).isEmpty)
    }

    @Test(arguments: [GarbageFacts.PathFact.same, .unknown], [false, true])
    func whatALinkNamesIsKept(_ fact: GarbageFacts.PathFact, _ isMarked: Bool) {
        let facts = facts([link, data]) {
            $0.links[link] = .init(key: data, path: fact, isMarked: isMarked)
            $0.runs[run] = .init(isLive: false)
        }
        let plan = GarbagePlan(facts, grace: 7 * Self.day, now: Self.now)
        #expect(plan.items.isEmpty)
        #expect(plan.marks.isEmpty)
        #expect(plan.unmarks == (fact == .same && isMarked ? [link] : []))
    }

    @Test("a link that is gone is marked, and its object freed a grace period later")
    func aLinkThatIsGone() {
        var facts = facts([data, link]) {
            $0.links[link] = .init(key: data, path: .other, isMarked: false)
        }
        let first = GarbagePlan(facts, grace: 7 * Self.day, now: Self.now)
        #expect(first.items.isEmpty)
        #expect(first.marks == [link])
        facts.links[link] = .init(key: data, path: .other, isMarked: true)
        facts.objects[1].lastModified = Self.young
        #expect(freed(facts).isEmpty, "it was marked lately")
        facts.objects[1].lastModified = Self.old
        #expect(freed(facts) == [link, data])
    }

    @Test("of two links to one object each keeps it")
    func twoLinks() throws {
        let second = layout.link(try FilePath("/galaxy/objects/2.dat"), to: data)
        let facts = facts([data, link, second]) {
            $0.links[link] = .init(key: data, path: .other, isMarked: true)
            $0.links[second] = .init(key: data, path: .same, isMarked: false)
        }
        #expect(freed(facts) == [link])
    }

    @Test func nothingOfAnotherGalaxysIsFreed() {
        let theirs = [
            other.data(run, attempt, 0), other.spec(run), other.result(run),
            other.link(path, to: other.data(run, attempt, 0)),
        ]
        let facts = facts(theirs + [stage, pack]) {
            $0.neededElsewhere = [stage, pack]
            $0.links[theirs[3]] = .init(key: theirs[0], path: .unknown, isMarked: true)
        }
        #expect(freed(facts).isEmpty)
    }

    @Test func whatIsNotOursIsNotTouched() throws {
        let keys = try [
            "g/readme.txt", "g/stage/x", "g/data/main/x/y/0", "other/stage/a/b", "g/gc/main",
            "gx/stage/a/b", "g/links/main/x", "g/galaxies/main/0a0b",
        ]
        .map { try ObjectKey($0) }
        #expect(freed(facts(keys)).isEmpty)
    }

    @Test func oldUploadsAreCutOffUnlessARunMayGoOn() throws {
        let live = try RunID("2-0123456789abcdef")
        func upload(_ key: ObjectKey, _ begun: Int64? = Self.old) -> OpenUpload {
            OpenUpload(key: key, id: UploadID("\(key)\(begun ?? 0)"), begun: begun)
        }
        let cutOff = [
            upload(stage), upload(pack), upload(data), upload(layout.runPack(run, nonce: "a")),
        ]
        let kept = try [
            upload(stage, Self.young), upload(stage, nil), upload(layout.data(live, attempt, 0)),
            upload(other.data(run, attempt, 0)), upload(ObjectKey("elsewhere/1")),
        ]
        let facts = facts([layout.spec(live)]) {
            $0.runs[live] = .init(isLive: true)
            $0.uploads = cutOff + kept
        }
        #expect(GarbagePlan(facts, grace: 7 * Self.day, now: Self.now).uploads == cutOff)
    }

    @Test func whatTrialsHaveLeftIsFreed() {
        let keys = [layout.marker(nonce: "a"), layout.doctor(nonce: "a", "put")]
        #expect(Set(freed(facts(keys))) == Set(keys))
    }

    @Test func itSaysWhatIsFreedAndKept() {
        let plan = GarbagePlan(
            facts([stage, pack, layout.spec(run)]) {
                $0.runs[run] = .init(isLive: true, needs: [pack])
            },
            grace: 7 * Self.day,
            now: Self.now
        )
        #expect(plan.sums.map(\.reason) == [.unusedStaged])
        #expect(plan.sums.map(\.bytes) == [10])
        #expect((plan.keptObjects, plan.keptBytes) == (2, 20))
    }
}
