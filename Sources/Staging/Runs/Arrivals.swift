// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import Synchronization

/// Files that have come to temporary names beside their places, until all are promoted at once.
final class Arrivals: Sendable {
    /// How the temporary names of one run begin; 32 hexadecimal digits follow. Runs share the
    /// directories of Galaxy's datasets, so none may take another's files for leftovers.
    static func temporaryPrefix(of run: RunID) -> [UInt8] { Array(".galaxy_s3.\(run).".utf8) }

    private struct Arrival {
        let place: FilePath
        let directory: FilePath
        /// Its names there.
        let temporary: RelativePath
        let name: RelativePath
    }

    private let roots: RootSet
    private let prefix: [UInt8]
    private let room: RoomPromise?
    private let arrivals = Mutex<[Arrival]>([])
    private let flushes = FlushBehind()

    /// - Parameter room: where what comes was announced.
    init(_ roots: RootSet, of run: RunID, room: RoomPromise? = nil) {
        self.roots = roots
        self.room = room
        prefix = Self.temporaryPrefix(of: run)
    }

    /// Makes the temporary file for `place`.
    func begin(_ place: FilePath) throws(StagingError) -> Descriptor {
        guard let directory = place.parent, let name = place.relative(to: directory) else {
            throw StagingError(.refused, what: "The root directory is no file")
        }
        let arrival = try naming { () throws(NameError) in
            Arrival(
                place: place,
                directory: directory,
                temporary: try RelativePath(prefix + Array(Nonce.draw().utf8)),
                name: name
            )
        }
        let descriptor = try roots.create(try path(arrival))
        arrivals.withLock { $0.append(arrival) }
        room?.begin(place, descriptor)
        return descriptor
    }

    /// Takes a file that is complete, to be flushed before it is promoted. May block.
    func complete(_ place: FilePath, _ descriptor: Descriptor, size: Int64) {
        room?.complete(place, size: size)
        flushes.add(descriptor, size: size, for: place)
    }

    /// Waits until every file is on the disk, then renames each over its place.
    ///
    /// A directory in the way is an error that names it, before anything is renamed. When a rename
    /// fails all the same, what was renamed before stays and is right, and doing it again completes
    /// the rest.
    ///
    /// - Parameter stale: a file that is removed before the first is renamed.
    func promote(inPlaceOf stale: FilePath? = nil) async throws(StagingError) {
        try await flushes.finish()
        try await Threads.value { () throws(StagingError) in
            try self.forEachArrival { (arrival, directory) throws(StagingError) in
                guard try directory.status(arrival.name)?.kind == .directory else { return }
                throw StagingError(
                    .io,
                    what: "Cannot put \(arrival.place) in place: a directory of that name is there",
                    remedy: "Move the directory away, then collect again."
                )
            }
            if let stale { try self.roots.remove(stale) }
            try self.forEachArrival { (arrival, directory) throws(StagingError) in
                try directory.rename(arrival.temporary, to: arrival.name)
            }
        }
        arrivals.withLock { $0 = [] }
    }

    /// Calls `body` with each arrival and its directory, which is opened once for all that come there.
    private func forEachArrival(
        _ body: (Arrival, Directory) throws(StagingError) -> Void
    ) throws(StagingError) {
        let groups = Dictionary(grouping: arrivals.withLock { $0 }) { $0.directory }
        for (path, arrivals) in groups.sorted(by: { $0.key < $1.key }) {
            let directory = try roots.directory(path)
            for arrival in arrivals { try body(arrival, directory) }
        }
    }

    private func path(_ arrival: Arrival) throws(StagingError) -> FilePath {
        try naming { () throws(NameError) in try arrival.directory.appending(arrival.temporary) }
    }

    /// Removes what came for these places, which will come once more.
    func discard(_ places: Set<FilePath>) throws(StagingError) {
        let damaged = arrivals.withLock { arrivals in
            let found = arrivals.filter { places.contains($0.place) }
            arrivals.removeAll { places.contains($0.place) }
            return found
        }
        for arrival in damaged {
            try roots.remove(try path(arrival))
            room?.discard(arrival.place)
        }
    }

    /// Removes what came; used when something else did not.
    func discard() {
        for arrival in arrivals.withLock({ $0 }) {
            // A file that cannot be removed now is swept by the next collect.
            try? roots.remove(try path(arrival))
        }
    }
}
