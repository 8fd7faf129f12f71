// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client

/// `object_store` mode: outputs become objects of Galaxy's own S3 object store, copied by the store
/// itself, and leave Galaxy's cache, so that Galaxy pulls what it wants to read.
package struct GalaxyStoreKeeper: OutputKeeper {
    private let spec: RunSpec
    private let copying: StoreCopyRun
    private let notice: @Sendable (String) -> Void

    /// - Parameters:
    ///   - meter: counts what the store copies; none of it passes this machine.
    ///   - thresholdBytes: larger objects are copied in parts.
    ///   - notice: told what an administrator should know of.
    package init(
        store: any ObjectStore,
        spec: RunSpec,
        transfers: Int,
        meter: PhaseMeter,
        thresholdBytes: Int64 = ServerSideCopy.largestSingleBytes,
        notice: @escaping @Sendable (String) -> Void
    ) {
        self.spec = spec
        copying = StoreCopyRun(
            store: store,
            transfers: transfers,
            meter: meter,
            thresholdBytes: thresholdBytes
        )
        self.notice = notice
    }

    /// An output that no S3 store of Galaxy's holds is copied to where it does.
    package func examine(_ plan: inout OutputPlan) async throws(StagingError) {
        let stored = Set(spec.outputs.filter { $0.galaxyKey != nil }.map(\.path))
        plan.copy(plan.kept.filter { !stored.contains($0.file.path) })
        let copies = StoreCopy.all(in: plan, of: spec)
        try await copying.examine(copies)
        // Whoever clears Galaxy's cache may clear it of directories too.
        for parent in parents(of: copies) { try Directory.make(parent) }
    }

    package func settle(_ plan: OutputPlan) async throws(StagingError) {
        let copies = StoreCopy.all(in: plan, of: spec)
        try await copying(copies)
        let settlement = CacheSettlement(roots: try RootSet(parents(of: copies)), run: spec.run)
        for copy in copies {
            if let sentence = try settlement(copy) { notice(sentence) }
        }
    }

    private func parents(of copies: [StoreCopy]) -> [FilePath] {
        copies.compactMap(\.path.parent)
            .reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}

extension Directory {
    /// Makes the directory at a path of Galaxy's own, with its missing parents.
    fileprivate static func make(_ path: FilePath) throws(StagingError) {
        var there = path
        while FileStatus(following: there) == nil, let parent = there.parent { there = parent }
        guard let relative = path.relative(to: there) else { return }
        try Directory(path: there).makeDirectories(relative)
    }
}
