// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// Gets one file from a node's cache, and brings it there first if nobody has: of all workers that
/// want it at once, one asks the store.
struct CacheVisit: Sendable {
    /// A whole file of the cache, open.
    struct Found {
        let file: Descriptor
        /// Whether it was there, or another job has brought it, so that the store was not asked.
        let isHit: Bool
    }

    let cache: NodeCache
    let name: CacheName
    /// How long to wait for whoever brings it without a sign of life, in seconds.
    let quiet: Double
    /// Fills the empty file with what the store has.
    let bring: @Sendable (Descriptor, FilePath) async throws(StagingError) -> Void

    /// - Returns: nil when the cache has no room for it, or whoever brings it takes too long.
    /// - Throws: trouble with the cache, or with the store; `isOfTheStore` tells them apart.
    func callAsFunction() async throws(StagingError) -> Found? {
        if let file = try cache.open(name) { return Found(file: file, isHit: true) }
        var patience = CachePatience(quiet: quiet, now: Clock.monotonicSeconds())
        while true {
            switch try cache.claim(name) {
            case .whole(let file): return Found(file: file, isHit: true)
            case .granted(let part): return Found(file: try await fill(part), isHit: false)
            case .noRoom: return nil
            case .taken(let stamp):
                guard patience.goesOn(stamp, now: Clock.monotonicSeconds()) else { return nil }
            }
            // Not all at the same moment.
            let pause = Duration.milliseconds(Int.random(in: 30...120))
            guard (try? await Task.sleep(for: pause)) != nil else {
                throw StagingError(
                    .cancelled,
                    what: "Cannot wait for \(cache.path(of: name)): cancelled"
                )
            }
        }
    }

    private func fill(_ part: CachePart) async throws(StagingError) -> Descriptor {
        do throws(StagingError) {
            try await bring(part.file, part.path)
            try part.publish()
        } catch {
            // The next one that claims it removes it, if this fails.
            try? part.discard()
            throw error
        }
        return part.file
    }
}

extension StagingError {
    /// Whether the store did not do its part, or somebody gave up: then a way around the cache is none.
    var isOfTheStore: Bool {
        switch code {
        case .store, .lost, .mismatch, .cancelled: true
        default: false
        }
    }
}
