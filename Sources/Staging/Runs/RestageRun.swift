// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client

/// Puts back staged objects that a spec names and the bucket has no more, and finds those that are
/// no longer what was staged.
///
/// The spec cannot change, so the bytes must be the promised ones: a file that is another one by
/// now is an error. An object that differs is left as it is; only its staging record goes, so that
/// the next run stages the file afresh.
package struct RestageRun: Sendable {
    let store: any ObjectStore
    let layout: JobLayout
    let transfers: Int

    /// What the bucket had of the spec's objects.
    package struct Findings: Sendable {
        /// Whether anything was missing and has been put back.
        package var isRestored = false
        /// What is there and different.
        package var damaged: [Damage] = []
        /// Inputs that Galaxy's own object store has no more as they were, one sentence each.
        package var replaced: [String] = []
    }

    /// An object with other bytes than were staged.
    package struct Damage: Sendable, Equatable {
        /// The file, or that it is a pack.
        package var name: String
        package var key: ObjectKey
    }

    private enum State: Sendable, Equatable {
        case intact
        case restored
        case damaged
        /// Galaxy's own, and no more what was pinned; the text says how.
        case replaced(String)
    }

    package init(store: any ObjectStore, layout: JobLayout, transfers: Int) {
        self.store = store
        self.layout = layout
        self.transfers = transfers
    }

    /// - Parameter plan: what would be staged now; packs are made again from it.
    package func callAsFunction(
        _ spec: RunSpec,
        _ plan: StagePlan
    ) async throws(StagingError) -> Findings {
        let versions = Dictionary(
            plan.shared.map { ($0.path, $0.stamp.digest) },
            uniquingKeysWith: { first, _ in first }
        )
        let states = try await boundedMap(spec.inputs, limit: transfers) {
            (input) async throws(StagingError) -> State in
            let state = try await look(at: input)
            if state == .damaged, let version = versions[input.path] {
                try await forget(input, version)
            }
            return state
        }
        var findings = Findings(isRestored: states.contains(.restored))
        for (input, state) in zip(spec.inputs, states) where state == .damaged {
            findings.damaged.append(Damage(name: input.path.logSafe, key: input.key))
        }
        for case .replaced(let sentence) in states { findings.replaced.append(sentence) }
        for pack in spec.packs {
            switch try await look(at: pack, plan) {
            case .intact: break
            case .restored: findings.isRestored = true
            case .damaged: findings.damaged.append(Damage(name: "a pack", key: pack.key))
            case .replaced(let sentence): findings.replaced.append(sentence)
            }
        }
        return findings
    }

    private func info(_ key: ObjectKey) async throws(StagingError) -> ObjectInfo? {
        do throws(S3Error) {
            return try await store.head(key)
        } catch {
            throw .store("look for \(key)", error)
        }
    }

    // MARK: Packs

    private func look(
        at pack: PackEntry,
        _ plan: StagePlan
    ) async throws(StagingError) -> State {
        guard let info = try await info(pack.key) else {
            guard let source = try await source(of: pack, plan)?.source else {
                throw StagingError(
                    .changed,
                    what: "A pack is lost from the bucket, and its files on disk are others now",
                    place: pack.key.logSafe,
                    remedy: "Run the job again."
                )
            }
            let upload = VerifiedUpload(store: store, meter: PhaseMeter("stage"))
            _ = try await upload(source, to: pack.key, name: "a pack")
            try await source.checkUnchanged()
            return .restored
        }
        guard info.size == pack.size else { return .damaged }
        // Files that are others now cannot say what the pack's checksum was.
        guard info.checksum != nil, let known = try await source(of: pack, plan) else {
            return .intact
        }
        return info.mayHold(size: pack.size, known.checksum) ? .intact : .damaged
    }

    /// The pack made again, if that still gives the promised one to the byte.
    private func source(
        of pack: PackEntry,
        _ plan: StagePlan
    ) async throws(StagingError) -> (source: PackSource, checksum: CRC64NVME)? {
        let candidates = [
            try PackPlan(plan.runPack, times: .own), try PackPlan(plan.dataPack, times: .own),
            try PackPlan(plan.toolPack, times: .fixed),
        ]
        for candidate in candidates where candidate.length == pack.size {
            let source = PackSource(candidate)
            let digests = try await source.digests()
            if .sha256(digests.pack) == pack.digest { return (source, digests.checksum) }
        }
        return nil
    }

    // MARK: Single objects

    private func look(at input: InputEntry) async throws(StagingError) -> State {
        let found = try await info(input.key)
        if let object = input.galaxyObject { return look(at: input, pinned: object, found) }
        guard let digest = input.digest else { return .damaged }
        guard let info = found else {
            try await restore(input)
            return .restored
        }
        let isIntact = try await store.proves(
            info,
            at: input.key,
            size: input.size,
            digest,
            name: input.key.logSafe
        )
        return isIntact ? .intact : .damaged
    }

    /// What is Galaxy's own is never written by us: it is the object that was pinned, or it is not.
    private func look(
        at input: InputEntry,
        pinned object: GalaxyObject,
        _ found: ObjectInfo?
    ) -> State {
        guard found?.eTag.text != object.eTag else { return .intact }
        let how = found == nil ? "gone from" : "another one by now in"
        return .replaced("\(input.path) is \(how) Galaxy's object store (\(input.key))")
    }

    private func restore(_ input: InputEntry) async throws(StagingError) {
        let file = try SurveyedFile(trusted: input.path)
        let descriptor = try file.open()
        let source = DescriptorSource(descriptor, length: file.size, name: file.path)
        // Read before anything is sent: other jobs use this key too.
        guard file.size == input.size, try source.checksum() == input.digest else {
            throw otherFile(input)
        }
        let upload = VerifiedUpload(store: store, meter: PhaseMeter("stage"))
        let options = PutOptions(metadata: file.objectMetadata)
        let name = input.path.logSafe
        let digest = try await upload(source, to: input.key, options: options, name: name)
        guard digest == input.digest else {
            // It changed under our hands; what is there now is of no use to anybody.
            do throws(S3Error) {
                try await store.delete(input.key)
            } catch {
                throw .store("take back \(input.key)", error)
            }
            throw otherFile(input)
        }
    }

    private func otherFile(_ input: InputEntry) -> StagingError {
        StagingError(
            .changed,
            what: "\(input.path) is lost from the bucket, and on disk it is another file now",
            remedy: "Run the job again."
        )
    }

    /// Deletes the record that says that the file is staged at a key whose object is damaged.
    private func forget(
        _ input: InputEntry,
        _ version: String
    ) async throws(StagingError) {
        let key = layout.staged(input.path, version: version)
        let record = try await DocumentStore(store)
            .read(StagedRecord.self, at: key, name: "staging record")
        guard record?.key == input.key else { return }
        do throws(S3Error) {
            try await store.delete(key)
        } catch {
            throw .store("forget that \(input.path) is staged", error)
        }
    }
}

extension DescriptorSource {
    /// Reads the file to its end.
    func checksum() throws(StagingError) -> CRC64NVME {
        var checksum = CRC64NVME()
        var position: Int64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        // SAFETY: this scope owns `buffer`; nothing keeps a pointer to it.
        defer { buffer.deallocate() }
        while position < length {
            let count = try descriptor.read(at: position, into: buffer, name: name)
            guard count > 0 else { break }
            checksum.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            position += Int64(count)
        }
        return checksum
    }
}
