// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Synchronization

/// Brings a committed attempt's files to where Galaxy looks for them.
///
/// Each file is fetched to a temporary name beside its place, verified, flushed, and renamed over
/// the place in one step. Nothing is renamed before everything has been verified and is on the disk,
/// so a damaged store changes no file. Nothing is begun that does not fit beside what others of this
/// process bring. It may be cut off anywhere and done again.
package struct CollectRun: Sendable {
    let store: any ObjectStore
    let transfers: Int
    let meter: PhaseMeter
    let room: PromisedRoom

    package init(
        store: any ObjectStore,
        transfers: Int,
        meter: PhaseMeter,
        room: PromisedRoom = .ofThisProcess
    ) {
        self.store = store
        self.transfers = transfers
        self.meter = meter
        self.room = room
    }

    private enum Step: Sendable {
        case object(PushedFile, ObjectKey)
        case pack(PackEntry, [FilePath: PushedFile])
    }

    /// Fetches, verifies and puts everything in place.
    package func callAsFunction(_ plan: CollectPlan) async throws(StagingError) {
        let (roots, demand, devices) = try await Threads.value { () throws(StagingError) in
            let roots = try RootSet(plan.roots)
            try Self.sweep(plan, roots)
            let (demand, devices) = try Self.demand(plan, roots)
            // What does not even fit alone keeps nobody else waiting.
            try Self.check(demand, beside: [], roots)
            return (roots, demand, devices)
        }
        let promise = RoomPromise(demand, devices: devices)
        let others = room.add(promise)
        defer { room.remove(promise) }
        try await Threads.value { () throws(StagingError) in
            try Self.check(demand, beside: others, roots)
            for directory in plan.directories.sorted(by: { $0.path < $1.path }) {
                try roots.prepare(directory)
            }
        }
        expect(plan)
        let arrivals = Arrivals(roots, of: plan.run, room: promise)
        let largestFirst = plan.objects.sorted { $0.file.size > $1.file.size }
        let steps =
            plan.packs.map { Step.pack($0.pack, $0.files) }
            + largestFirst.map { Step.object($0.file, $0.key) }
        let limits = TransferLimits(
            sharedBy: plan.objects.lazy.map(\.file.size),
            atOnce: transfers
        )
        do throws(StagingError) {
            _ = try await boundedMap(steps, limit: transfers) { (step) throws(StagingError) in
                try await perform(step, arrivals, limits)
            }
            try await arrivals.promote(inPlaceOf: plan.staleExitCode)
        } catch {
            arrivals.discard()
            throw error
        }
        try await Threads.value { () throws(StagingError) in
            for link in plan.links { try roots.makeLink(link) }
            try Self.synchroniseNames(plan, roots)
            for directory in plan.directories.sorted(by: { $0.path > $1.path }) {
                try roots.finish(directory)
            }
        }
    }

    /// Brings the names to the disk, before it is noted, perhaps on another file system, that all is
    /// there.
    private static func synchroniseNames(
        _ plan: CollectPlan,
        _ roots: RootSet
    ) throws(StagingError) {
        let places =
            plan.files + plan.links.map(\.path) + plan.directories.map(\.path)
        for parent in Set(places.compactMap(\.parent)) where roots.holds(parent) {
            try roots.directory(parent).synchronise()
        }
    }

    private func expect(_ plan: CollectPlan) {
        let packs = plan.packs.reduce(0) { $0 + $1.pack.size }
        let objects = plan.objects.reduce(0) { $0 + $1.file.size }
        let files = plan.packs.reduce(plan.objects.count) { $0 + $1.files.count }
        meter.expect(bytes: packs + objects, files: files)
    }

    private func perform(
        _ step: Step,
        _ arrivals: Arrivals,
        _ limits: TransferLimits
    ) async throws(StagingError) {
        switch step {
        case .object(let file, let key): try await collect(file, from: key, arrivals, limits)
        case .pack(let pack, let files):
            let expected = ExpectedMembers(files: files, arrivals: arrivals)
            try await PackDownload(store: store, meter: meter)(pack, into: expected)
            try expected.checkComplete(pack)
        }
    }

    private func collect(
        _ file: PushedFile,
        from key: ObjectKey,
        _ arrivals: Arrivals,
        _ limits: TransferLimits
    ) async throws(StagingError) {
        let descriptor = try arrivals.begin(file.path)
        do throws(S3Error) {
            let download = FileDownload(from: store, limits: limits, observe: meter.observer)
            _ = try await download.run(
                key,
                expecting: ExpectedObject(size: file.size, checksum: file.digest),
                into: descriptor.raw,
                named: file.path.logSafe
            )
        } catch {
            throw .store("collect \(file.path)", error)
        }
        try descriptor.set(mode: file.mode, modified: file.modified, name: file.path)
        arrivals.complete(file.path, descriptor, size: file.size)
        meter.finished(1)
    }

    /// Removes temporary files that an earlier collect, cut off, left beside the places of files.
    private static func sweep(
        _ plan: CollectPlan,
        _ roots: RootSet
    ) throws(StagingError) {
        let prefix = Arrivals.temporaryPrefix(of: plan.run)
        for parent in Set(plan.files.compactMap(\.parent))
        where try roots.status(parent)?.kind == .directory {
            for name in try roots.directory(parent).names()
            where name.starts(with: prefix) {
                let path = try naming { () throws(NameError) in try parent.appending(name) }
                try roots.remove(path)
            }
        }
    }

    /// What comes to each device, and which of them each directory is on.
    private static func demand(
        _ plan: CollectPlan,
        _ roots: RootSet
    ) throws(StagingError) -> (SpaceDemand, [FilePath: UInt64]) {
        var demand = SpaceDemand()
        var devices: [FilePath: UInt64] = [:]
        let files = plan.objects.map(\.file) + plan.packs.flatMap { $0.files.values }
        var sizes: [FilePath: [Int64]] = [:]
        for file in files {
            if let parent = file.path.parent { sizes[parent, default: []].append(file.size) }
        }
        for (parent, sizes) in sizes.sorted(by: { $0.key < $1.key }) {
            let directory = try roots.closestDirectory(to: parent)
            let device = try directory.device()
            devices[parent] = device
            demand.add(sizes, at: directory.path, on: device)
        }
        return (demand, devices)
    }

    /// A collect that fills Galaxy's disk fails everybody else who writes there, and would do so again
    /// each time it is tried.
    private static func check(
        _ demand: SpaceDemand,
        beside others: [RoomPromise],
        _ roots: RootSet
    ) throws(StagingError) {
        for (device, share) in demand.shares.sorted(by: { $0.value.place < $1.value.place }) {
            // Asked first: what comes meanwhile counts twice, and never not at all.
            let promised = others.map { $0.remaining(on: device) }
            let free = try roots.directory(share.place).freeBytes()
            // Never below nothing: whatever reports say, it comes to no overflow.
            let left = promised.reduce(free) { $0 - min($0, $1) }
            guard share.bytes <= left else {
                throw .noRoom(
                    forResults: share.bytes,
                    at: share.place,
                    freeBytes: free,
                    promised: free - left
                )
            }
        }
    }

    /// Takes from a pack what the report says it holds, and nothing else.
    private final class ExpectedMembers: PackTarget {
        private let files: [FilePath: PushedFile]
        private let arrivals: Arrivals
        private let missing: Mutex<Set<FilePath>>

        init(files: [FilePath: PushedFile], arrivals: Arrivals) {
            self.files = files
            self.arrivals = arrivals
            missing = Mutex(Set(files.keys))
        }

        func create(_ path: FilePath, size: Int64) throws(StagingError) -> Descriptor {
            guard let file = files[path], file.size == size else {
                throw StagingError(
                    .mismatch,
                    what: "A pack of results holds \(path) with \(size) bytes, which the report "
                        + "does not name so"
                )
            }
            return try arrivals.begin(path)
        }

        func finish(
            _ path: FilePath,
            _ descriptor: Descriptor,
            digest: CRC64NVME,
            mode: FileMode,
            modified: FileTime
        ) throws(StagingError) {
            guard let file = files[path], file.digest == digest else {
                throw StagingError(
                    .mismatch,
                    what: "\(path) came with another checksum than the report names"
                )
            }
            try descriptor.set(mode: file.mode, modified: file.modified, name: path)
            arrivals.complete(path, descriptor, size: file.size)
            _ = missing.withLock { $0.remove(path) }
        }

        func discard() throws(StagingError) {
            missing.withLock { $0 = Set(files.keys) }
            try arrivals.discard(Set(files.keys))
        }

        func checkComplete(_ pack: PackEntry) throws(StagingError) {
            guard let first = missing.withLock({ $0.min() }) else { return }
            throw StagingError(
                .mismatch,
                what: "The pack \(pack.key) does not hold \(first), which the report promises"
            )
        }
    }
}
