// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Synchronization

/// Fetches what jobs share by way of a node's cache.
///
/// Every use holds what the job gets against the spec. What does not fit is thrown out of the cache,
/// brought once more, and then fetched without it. No trouble with the cache ever fails a job.
package final class CachedFetch: Sendable {
    /// How often a file is taken from the cache before it is fetched without it.
    private static let attempts = 2

    private let cache: NodeCache
    private let quiet: Double
    private let complain: @Sendable (String) -> Void
    private let hasComplained = Mutex(false)

    /// - Parameters:
    ///   - quiet: how long to wait for another job that brings a file, without a sign of life, in
    ///     seconds.
    ///   - complain: told once why the cache is of no use, and of each damaged file.
    package init(
        _ cache: NodeCache,
        quiet: Double = CachePatience.quiet,
        complain: @escaping @Sendable (String) -> Void
    ) {
        self.cache = cache
        self.quiet = quiet
        self.complain = complain
    }

    /// Fetches an input, each time into a new file that `create` makes.
    ///
    /// - Returns: that file with the promised bytes; nil for what must be fetched without the cache.
    func input(
        _ input: InputEntry,
        _ download: InputDownload,
        create: @Sendable () throws(StagingError) -> Descriptor
    ) async throws(StagingError) -> Descriptor? {
        guard let name = CacheName(input) else { return nil }
        for _ in 0..<Self.attempts {
            let visit = CacheVisit(cache: cache, name: name, quiet: quiet) {
                (file, place) throws(StagingError) in
                try await download(input, into: file, named: place)
            }
            guard let found = try await visited(visit) else { return nil }
            let target = try create()
            let copy = FileCopy(
                source: found.file,
                sourceName: cache.path(of: name),
                target: target,
                targetName: input.path,
                size: input.size
            )
            switch try await copy() {
            case .success(let checksum) where checksum == input.digest:
                if found.isHit { download.meter.cached(1, bytes: input.size) }
                return target
            case .success(let checksum):
                drop(name, "its CRC64NVME is \(checksum.hex)")
            case .failure(let failure):
                drop(name, failure.reason)
            }
        }
        return nil
    }

    /// Fetches a pack and unpacks it into `target`.
    ///
    /// - Returns: false for one that must be fetched without the cache; then nothing of it is left.
    func pack(
        _ pack: PackEntry,
        _ download: PackDownload,
        into target: any PackTarget
    ) async throws(StagingError) -> Bool {
        guard let name = CacheName(pack) else { return false }
        for _ in 0..<Self.attempts {
            let visit = CacheVisit(cache: cache, name: name, quiet: quiet) {
                (file, place) throws(StagingError) in
                try await download.whole(pack, into: file, named: place)
            }
            guard let found = try await visited(visit) else { return false }
            let part = PhaseMeter(download.meter.phase)
            do throws(StagingError) {
                try await download.unpack(
                    pack,
                    from: found.file,
                    named: cache.path(of: name),
                    into: target,
                    part
                )
                if found.isHit { download.meter.cached(pack.files, bytes: pack.size) }
                return true
            } catch {
                guard error.mayComeOfDamage else { throw error }
                download.meter.takeBack(part.reading)
                try target.discard()
                drop(name, error.what)
            }
        }
        return false
    }

    /// - Returns: nil when the cache is of no use.
    private func visited(_ visit: CacheVisit) async throws(StagingError) -> CacheVisit.Found? {
        do throws(StagingError) {
            return try await visit()
        } catch {
            if error.isOfTheStore { throw error }
            complainOnce(error.line)
            return nil
        }
    }

    private func drop(
        _ name: CacheName,
        _ why: String
    ) {
        complain("\(cache.path(of: name)) is damaged, and is removed: \(why)")
        do throws(StagingError) {
            try cache.remove(name)
        } catch {
            complainOnce(error.line)
        }
    }

    private func complainOnce(_ why: String) {
        let isFirst = hasComplained.withLock { done in
            defer { done = true }
            return !done
        }
        if isFirst { complain("Files are fetched without the node's cache: \(why)") }
    }
}
