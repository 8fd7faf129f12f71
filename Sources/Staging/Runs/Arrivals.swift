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
        var temporary: FilePath
        var place: FilePath
    }

    private let roots: RootSet
    private let prefix: [UInt8]
    private let arrivals = Mutex<[Arrival]>([])
    private let flushes = FlushBehind()

    init(_ roots: RootSet, of run: RunID) {
        self.roots = roots
        prefix = Self.temporaryPrefix(of: run)
    }

    /// Makes the temporary file for `place`.
    func begin(_ place: FilePath) throws(StagingError) -> Descriptor {
        guard let parent = place.parent else {
            throw StagingError(.refused, what: "The root directory is no file")
        }
        let name = prefix + Array(Nonce.draw().utf8)
        let temporary = try naming { () throws(NameError) in try parent.appending(name) }
        let descriptor = try roots.create(temporary)
        arrivals.withLock { $0.append(Arrival(temporary: temporary, place: place)) }
        return descriptor
    }

    /// Takes a file that is complete, to be flushed before it is promoted. May block.
    func complete(_ place: FilePath, _ descriptor: Descriptor, size: Int64) {
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
            try self.checkPlaces()
            if let stale { try self.roots.remove(stale) }
            for arrival in self.arrivals.withLock({ $0 }) {
                try self.roots.rename(arrival.temporary, to: arrival.place)
            }
        }
        arrivals.withLock { $0 = [] }
    }

    private func checkPlaces() throws(StagingError) {
        let arrivals = arrivals.withLock { $0 }
        for arrival in arrivals where try roots.status(arrival.place)?.kind == .directory {
            throw StagingError(
                .io,
                what: "Cannot put \(arrival.place) in place: a directory of that name is there",
                remedy: "Move the directory away, then collect again."
            )
        }
    }

    /// Removes what came for these places, which will come once more.
    func discard(_ places: Set<FilePath>) throws(StagingError) {
        let damaged = arrivals.withLock { arrivals in
            let found = arrivals.filter { places.contains($0.place) }
            arrivals.removeAll { places.contains($0.place) }
            return found
        }
        for arrival in damaged { try roots.remove(arrival.temporary) }
    }

    /// Removes what came; used when something else did not.
    func discard() {
        for arrival in arrivals.withLock({ $0 }) {
            // A file that cannot be removed now is swept by the next collect.
            try? roots.remove(arrival.temporary)
        }
    }
}
