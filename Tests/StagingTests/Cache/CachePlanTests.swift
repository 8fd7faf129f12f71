// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import TestSupport
import Testing

@testable import Staging

@Suite struct CachePlanTests {
    private func entry(
        _ key: String,
        _ size: Int64,
        used: Int64,
        isPart: Bool = false
    ) throws -> CachePlan.Entry {
        let pack = PackEntry(
            key: try ObjectKey(key),
            size: size,
            digest: .sha256(.init(of: [])),
            files: 1,
            isShared: true
        )
        let name = try #require(CacheName(pack))
        return CachePlan.Entry(name: isPart ? name.part : name, used: FileTime(seconds: used))
    }

    @Test func nothingGoesWhileThereIsRoom() throws {
        let entries = [try entry("a", 40, used: 1), try entry("b", 50, used: 2)]
        #expect(CachePlan(entries, room: 10, capacity: 100)?.removals == [])
    }

    @Test func whatWasUsedLongestAgoGoesFirst() throws {
        let (a, b, c) = (
            try entry("a", 30, used: 3), try entry("b", 30, used: 1), try entry("c", 30, used: 2)
        )
        let entries = [a, b, c]
        #expect(CachePlan(entries, room: 11, capacity: 100)?.removals == [b.name])
        #expect(CachePlan(entries, room: 50, capacity: 100)?.removals == [b.name, c.name])
        #expect(CachePlan(entries, room: 100, capacity: 100)?.removals.count == 3)
    }

    @Test func whatIsLargerThanTheCacheChangesNothing() throws {
        #expect(CachePlan([try entry("a", 30, used: 3)], room: 101, capacity: 100) == nil)
    }

    @Test func whatIsBeingBroughtCountsInFullAndStays() throws {
        let part = try entry("part", 60, used: 0, isPart: true)
        let old = try entry("old", 30, used: 1)
        #expect(CachePlan([part, old], room: 41, capacity: 100) == nil)
        #expect(CachePlan([part, old], room: 40, capacity: 100)?.removals == [old.name])
    }

    @Test func sizesThatNobodyCanAddUpAreNoTrouble() throws {
        let entries = try (0..<4).map { try entry("k\($0)", .max, used: Int64($0)) }
        #expect(CachePlan(entries, room: 10, capacity: 100)?.removals.count == 4)
        let part = try entry("part", .max, used: 9, isPart: true)
        #expect(CachePlan(entries + [part], room: 10, capacity: 100) == nil)
    }

    @Test func itEndsWithinItsCapacity() throws {
        var generator = SeededGenerator(seed: 20)
        for _ in 0..<300 {
            let entries = try (0..<Int.random(in: 0...12, using: &generator))
                .map { index in
                    try entry(
                        "k\(index)",
                        Int64.random(in: 0...60, using: &generator),
                        used: Int64.random(in: 0...5, using: &generator),
                        isPart: Int.random(in: 0..<4, using: &generator) == 0
                    )
                }
            let room = Int64.random(in: 0...100, using: &generator)
            guard let plan = CachePlan(entries, room: room, capacity: 100) else { continue }
            let gone = Set(plan.removals)
            #expect(gone.count == plan.removals.count)
            #expect(!plan.removals.contains { $0.isPart })
            let left = entries.filter { !gone.contains($0.name) }
            #expect(left.reduce(room) { $0 + $1.name.size } <= 100)
            let oldest = left.filter { !$0.name.isPart }.map(\.used.seconds).min() ?? .max
            #expect(entries.allSatisfy { !gone.contains($0.name) || $0.used.seconds <= oldest })
        }
    }

    @Test func namesSayWhatIsInThem() throws {
        let whole = try entry("a", 30, used: 3).name
        #expect(CacheName(found: whole.bytes) == whole)
        #expect(CacheName(found: whole.part.bytes) == whole.part)
        for other in ["lock", "", "a-b-c-d", "a-b--1-d", "input-1-2"] {
            #expect(CacheName(found: Array(other.utf8)) == nil, "\(other)")
        }
    }

    /// A CRC64NVME can be made to order; a key is written once.
    @Test func whatHasTheSameChecksumIsNotTheSame() throws {
        func name(_ key: String, _ isShared: Bool?) throws -> CacheName? {
            CacheName(
                InputEntry(
                    path: try FilePath("/genome"),
                    key: try ObjectKey(key),
                    size: 9,
                    digest: CRC64NVME(value: 1),
                    mode: FileMode(0o644),
                    modified: FileTime(seconds: 0),
                    isShared: isShared
                )
            )
        }
        #expect(try name("stage/genome", true) != name("stage/forged", true))
        #expect(try name("stage/genome", true) == name("stage/genome", true))
        #expect(try name("stage/genome", nil) == nil)
    }

    @Test func patienceLastsAsLongAsThereAreSignsOfLife() {
        func stamp(_ size: Int64) -> FileStamp {
            FileStamp(
                device: 1,
                inode: 1,
                size: size,
                modified: FileTime(seconds: 0),
                changed: FileTime(seconds: 0)
            )
        }
        /// Whether a wait that sees these sizes at these times goes on after the last of them.
        func goesOn(from start: Double, _ looks: [(Int64?, Double)]) -> Bool {
            var patience = CachePatience(now: start)
            return looks.reduce(true) { goesOn, look in
                let again = patience.goesOn(look.0.map(stamp), now: look.1)
                return goesOn && again
            }
        }
        #expect(goesOn(from: 100, [(1, 129), (1, 158)]))
        #expect(!goesOn(from: 100, [(1, 129), (1, 158), (1, 159)]), "30 s without a sign")
        let hour = stride(from: 0.0, to: CachePatience.longest, by: 20).map { (Int64($0), $0) }
        let looks = hour.map { (Int64?.some($0.0), $0.1) }
        #expect(goesOn(from: 0, looks))
        #expect(!goesOn(from: 0, looks + [(-1, CachePatience.longest)]), "an hour altogether")
        #expect(goesOn(from: 0, [(nil, 29)]))
        #expect(!goesOn(from: 0, [(nil, 30)]), "not to be seen is no sign")
    }
}
