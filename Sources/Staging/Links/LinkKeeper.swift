// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client

/// Output mode `link`: outputs stay where the worker has put them, and Galaxy gets links into the
/// mounted bucket.
///
/// The objects are not copied to another key: that would cost a copy of every byte, and nothing but
/// `gc`, which knows links, removes what is there.
package struct LinkKeeper: OutputKeeper {
    let look: MountLook
    let transfers: Int
    /// Told why outputs are copied after all: one sentence a run.
    let note: @Sendable (String) -> Void
    let now: @Sendable () -> FileTime

    /// Who frees space frees nothing that is younger than twice this, in seconds. So it is never about
    /// to free what a link is made to, or what is found to be in the bucket already, if the bucket says
    /// so within this time.
    package static let longestAge: Int64 = 12 * 3600

    package init(
        look: MountLook,
        transfers: Int,
        now: @escaping @Sendable () -> FileTime = Clock.fileTime,
        note: @escaping @Sendable (String) -> Void
    ) {
        self.look = look
        self.transfers = transfers
        self.now = now
        self.note = note
    }

    package func examine(_ plan: inout OutputPlan) async throws(StagingError) {
        guard !plan.kept.isEmpty else { return }
        let old = try await boundedMap(plan.kept, limit: transfers) {
            (output) async throws(StagingError) -> KeptOutput? in
            try await verify(output) ? nil : output
        }
        .compactMap { $0 }
        if !old.isEmpty {
            plan.copy(old)
            note("\(old.count) outputs are copied, not linked: they were stored too long ago.")
        }
        if plan.kept.isEmpty { return }
        if let trouble = try await look.trouble() {
            plan.copy(plan.kept)
            return note("The outputs are copied, not linked: \(trouble).")
        }
        let troubles = try await boundedMap(plan.kept, limit: transfers) {
            (output) async throws(StagingError) -> (KeptOutput, String)? in
            await look.trouble(with: output.key, size: output.file.size).map { (output, $0) }
        }
        .compactMap { $0 }
        guard let first = troubles.first else { return }
        plan.copy(troubles.map(\.0))
        let others = troubles.count > 1 ? ", and \(troubles.count - 1) more" : ""
        note("\(first.0.file.path)\(others) is copied, not linked: \(first.1).")
    }

    package func settle(_ plan: OutputPlan) async throws(StagingError) {
        guard !plan.kept.isEmpty else { return }
        let roots = try RootSet(plan.collected.roots)
        _ = try await boundedMap(plan.kept, limit: transfers) {
            (output) async throws(StagingError) in try await link(output, roots)
        }
    }

    /// Invariant 2: what a link is to name must be in the bucket, with size and digest.
    ///
    /// - Returns: whether it was stored lately enough to be linked.
    func verify(_ output: KeptOutput) async throws(StagingError) -> Bool {
        let age = try await look.store.age(of: output, now: now(), provenBelow: Self.longestAge)
        guard let age else {
            throw StagingError(
                .mismatch,
                what: "\(output.file.path) is not in the bucket as the report names it",
                place: output.key.logSafe
            )
        }
        return age < Self.longestAge
    }

    /// Puts a link in place of what is at an output's path, by rename. The record comes first: an
    /// object that a link names is never without one.
    ///
    /// - Parameter check: called right before; throws if what is there must stay.
    func link(
        _ output: KeptOutput,
        _ roots: RootSet,
        check: () throws(StagingError) -> Void = {}
    ) async throws(StagingError) {
        let path = output.file.path
        guard let target = look.mount.path(of: output.key) else {
            throw StagingError(.io, what: "\(look.mount.path) does not show \(output.key)")
        }
        let record = LinkRecord(path: path, of: output.file, at: output.key)
        let bytes = try documents { () throws(ContractError) in try ContractCoding.encode(record) }
        do throws(S3Error) {
            try await DocumentStore(look.store)
                .put(bytes, at: look.layout.link(path, to: output.key))
        } catch {
            throw .store("record the link \(path)", error)
        }
        try check()
        try roots.makeLink(LinkEntry(path: path, target: ByteString(target.bytes)))
    }
}

extension ObjectInfo {
    /// How long ago the object was stored, in seconds; nil where the store does not say.
    func age(at now: FileTime) -> Int64? { lastModified.map { now.seconds - $0 } }
}

extension ObjectStore {
    /// How long ago the object was stored, in seconds; nil if it is not there with size and digest.
    ///
    /// - Parameter limit: an object of at least this age is of no use to who asks, so it is not read
    ///   where the store keeps no checksum.
    func age(
        of output: KeptOutput,
        now: FileTime,
        provenBelow limit: Int64? = nil
    ) async throws(StagingError) -> Int64? {
        let info: ObjectInfo?
        do throws(S3Error) {
            info = try await head(output.key)
        } catch {
            throw .store("look at \(output.file.path) in the bucket", error)
        }
        let (size, digest) = (output.file.size, output.file.digest)
        guard let info, info.mayHold(size: size, digest) else { return nil }
        let age = info.age(at: now) ?? .max
        if let limit, age >= limit { return age }
        let name = output.file.path.logSafe
        let isProven = try await proves(info, at: output.key, size: size, digest, name: name)
        return isProven ? age : nil
    }
}
