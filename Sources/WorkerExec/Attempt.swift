// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Staging

/// One attempt at a run: what every phase needs.
struct Attempt: Sendable {
    let id: AttemptID
    let spec: RunSpec
    let specSHA256: SHA256Digest
    /// The spec as it was read, to the byte.
    let specBytes: [UInt8]
    let store: S3Store
    let state: StateFolder
    /// The whole volume, if this container has that and not the roots at their own paths.
    let volume: VolumeFolder?

    var run: RunID { spec.run }
    var keys: JobLayout { spec.layout.keys }

    /// The store, going on for as long as results may take.
    var patientStore: S3Store {
        store.with(policy: .results(within: .seconds(spec.limits.pushSeconds)))
    }

    /// Opens the job's directories, which the pod has mounted, or the executor has made.
    func roots() throws(StagingError) -> RootSet {
        if let volume { return try volume.roots(spec.roots) }
        return try RootSet(spec.roots)
    }

    /// What the bucket says already of this run, if anything.
    func result() async throws(StagingError) -> RunResult? {
        try await DocumentStore(store).read(RunResult.self, at: keys.result(run), name: "result")
    }

    /// Begins an attempt: reads the spec, whose digest must be the promised one, and says so.
    static func begin(
        _ reference: SpecReference,
        pod: String,
        store: S3Store,
        state: StateFolder,
        volume: VolumeFolder?
    ) async throws(WorkerFailure) -> Attempt {
        let bytes = try await specBytes(reference, store)
        do throws(ContractError) {
            return Attempt(
                id: try AttemptID(drawnFor: pod),
                spec: try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec"),
                specSHA256: reference.sha256,
                specBytes: bytes,
                store: store,
                state: state,
                volume: volume
            )
        } catch {
            throw WorkerFailure(.usage, error)
        }
    }

    /// Takes up the attempt that `fetch` began in another container of the pod.
    static func resume(
        _ reference: SpecReference,
        store: S3Store,
        state: StateFolder,
        volume: VolumeFolder?
    ) throws(WorkerFailure) -> Attempt {
        let bytes = try state.require(.spec)
        try check(bytes, reference)
        let id = try state.require(AttemptID.self, from: .attempt)
        do throws(ContractError) {
            return Attempt(
                id: id,
                spec: try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec"),
                specSHA256: reference.sha256,
                specBytes: bytes,
                store: store,
                state: state,
                volume: volume
            )
        } catch {
            throw WorkerFailure(.usage, error)
        }
    }

    /// Hands the attempt over to the containers of the verbs that follow.
    func handOver(_ fetched: FetchPhase.HandOver) throws(WorkerFailure) {
        try state.prepareForTool()
        try state.write(specBytes, as: .spec)
        try state.write(id, as: .attempt)
        try state.write(fetched, as: .fetched)
    }

    /// Tells the bucket that the attempt has begun.
    func announce() async throws(WorkerFailure) {
        let started: [UInt8]
        do throws(ContractError) {
            started = try ContractCoding.encode(
                AttemptStarted(run: run, attempt: id, worker: Release.version)
            )
        } catch {
            throw WorkerFailure(.bug, error)
        }
        do throws(S3Error) {
            try await DocumentStore(store).put(started, at: keys.started(run, id))
        } catch {
            throw WorkerFailure(error, doing: "say that the attempt began", toolRan: false)
        }
    }

    private static func specBytes(
        _ reference: SpecReference,
        _ store: S3Store
    ) async throws(WorkerFailure) -> [UInt8] {
        let found: [UInt8]?
        do throws(S3Error) {
            found = try await DocumentStore(store)
                .bytes(reference.key, sha256: reference.sha256, name: "spec")
        } catch {
            throw WorkerFailure(error, doing: "read the spec \(reference.key)", toolRan: false)
        }
        guard let bytes = found else {
            throw WorkerFailure(.usage, "There is no spec at \(reference.key).")
        }
        try check(bytes, reference)
        return bytes
    }

    private static func check(
        _ bytes: [UInt8],
        _ reference: SpecReference
    ) throws(WorkerFailure) {
        let digest = SHA256Digest(of: bytes)
        guard digest == reference.sha256 else {
            throw WorkerFailure(
                .usage,
                "The spec \(reference.key) has SHA-256 \(digest), promised was \(reference.sha256)."
                    + " Something else wrote it; nothing was run."
            )
        }
    }
}
