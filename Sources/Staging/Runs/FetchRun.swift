// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client
import Synchronization

/// Makes the roots what the spec says: every file with its bytes, mode and time, every directory,
/// every link.
package struct FetchRun: Sendable {
    let store: any ObjectStore
    let spec: RunSpec
    let roots: RootSet
    let meter: PhaseMeter
    /// The node's, if it has one.
    let cache: CachedFetch?
    /// Of each input.
    private let limits: TransferLimits

    package init(
        store: any ObjectStore,
        spec: RunSpec,
        roots: RootSet,
        meter: PhaseMeter,
        cache: CachedFetch? = nil
    ) {
        self.store = store
        self.spec = spec
        self.roots = roots
        self.meter = meter
        self.cache = cache
        limits = TransferLimits(
            sharedBy: spec.inputs.lazy.map(\.size),
            atOnce: spec.limits.transfers
        )
    }

    private enum Step: Sendable {
        case pack(PackEntry)
        case input(InputEntry)

        var size: Int64 {
            switch self {
            case .pack(let pack): pack.size
            case .input(let input): input.size
            }
        }
    }

    /// Fetches everything. Doing it again replaces what is there.
    ///
    /// - Returns: every file that it made, in no order.
    @discardableResult
    package func callAsFunction() async throws(StagingError) -> [FilePath] {
        let steps =
            spec.packs.map { Step.pack($0) }
            + spec.inputs.sorted { $0.size > $1.size }.map { Step.input($0) }
        let bytes = steps.reduce(0) { $0 + $1.size }
        let files = spec.packs.reduce(spec.inputs.count) { $0 + $1.files }
        meter.expect(bytes: bytes, files: files)
        try checkSpace(for: bytes)
        // Parents first, so that what is inside can be reached.
        for directory in spec.directories.sorted(by: { $0.path < $1.path }) {
            try roots.prepare(directory)
        }
        let claims = PathClaims(Set(spec.inputs.map(\.path)))
        let made = try await boundedMap(steps, limit: spec.limits.transfers) {
            (step) throws(StagingError) in try await perform(step, claims)
        }
        for link in spec.links { try roots.makeLink(link) }
        // What is inside first: making it changed the time of what is around it.
        for directory in spec.directories.sorted(by: { $0.path > $1.path }) {
            try roots.finish(directory)
        }
        return Array(made.joined())
    }

    /// Better to say at once what is missing than to fill the node's disk.
    private func checkSpace(for bytes: Int64) throws(StagingError) {
        guard let (free, place) = try roots.leastFree(), free < bytes else { return }
        throw StagingError(
            .diskFull,
            what: "The job's inputs need \(bytes) bytes, \(place) has \(free) free",
            remedy: "Give the pod more ephemeral storage, or the node a larger disk."
        )
    }

    private func perform(
        _ step: Step,
        _ claims: PathClaims
    ) async throws(StagingError) -> [FilePath] {
        switch step {
        case .pack(let pack):
            return try await fetch(pack, claims)
        case .input(let input):
            try await fetch(input)
            return [input.path]
        }
    }

    private func fetch(
        _ pack: PackEntry,
        _ claims: PathClaims
    ) async throws(StagingError) -> [FilePath] {
        let download = PackDownload(store: store, meter: meter)
        let target = Unpacker(roots, claims)
        if let cache, try await cache.pack(pack, download, into: target) { return target.files }
        try await download(pack, into: target)
        return target.files
    }

    private func fetch(_ input: InputEntry) async throws(StagingError) {
        let download = InputDownload(store: store, meter: meter, limits: limits)
        let file: Descriptor
        if let cached = try await fromCache(input, download) {
            file = cached
        } else {
            file = try roots.create(input.path)
            try await download(input, into: file, named: input.path)
        }
        try file.set(mode: input.mode, modified: input.modified, name: input.path)
        meter.finished(1)
    }

    private func fromCache(
        _ input: InputEntry,
        _ download: InputDownload
    ) async throws(StagingError) -> Descriptor? {
        guard let cache else { return nil }
        return try await cache.input(input, download) { () throws(StagingError) in
            try roots.create(input.path)
        }
    }

    /// Members go where their names say, if that is below a root.
    private final class Unpacker: PackTarget {
        private struct Made {
            var files: [FilePath] = []
            /// Parents before what is in them.
            var directories: [FilePath] = []
        }

        private let roots: RootSet
        private let claims: PathClaims
        private let made = Mutex(Made())

        init(_ roots: RootSet, _ claims: PathClaims) {
            self.roots = roots
            self.claims = claims
        }

        var files: [FilePath] { made.withLock { $0.files } }

        func create(
            _ path: FilePath,
            size: Int64
        ) throws(StagingError) -> Descriptor {
            try claims.claim(path, for: ObjectIdentifier(self))
            let descriptor: Descriptor
            if let file = try roots.createIfFree(path) {
                descriptor = file
            } else {
                let directories = try missingDirectories(above: path)
                made.withLock { $0.directories += directories }
                descriptor = try roots.create(path)
            }
            made.withLock { $0.files.append(path) }
            return descriptor
        }

        private func missingDirectories(
            above path: FilePath
        ) throws(StagingError) -> [FilePath] {
            var missing: [FilePath] = []
            var next = path.parent
            while let directory = next, try roots.isMissing(directory) {
                missing.append(directory)
                next = directory.parent
            }
            return missing.reversed()
        }

        func finish(
            _ path: FilePath,
            _ descriptor: Descriptor,
            digest: CRC64NVME,
            mode: FileMode,
            modified: FileTime
        ) throws(StagingError) {
            try descriptor.set(mode: mode, modified: modified, name: path)
        }

        /// What stays here under a damaged name would be taken for the tool's.
        func discard() throws(StagingError) {
            let made = made.withLock { made in
                defer { made = Made() }
                return made
            }
            for path in made.files { try roots.remove(path) }
            // Another pack may have put something there by now.
            for path in made.directories.reversed() { try? roots.removeDirectory(path) }
            claims.release(ObjectIdentifier(self))
        }
    }
}
