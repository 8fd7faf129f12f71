// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client

/// Stores what a plan says, below this attempt's own keys, and says exactly what it stored.
package struct PushRun: Sendable {
    let store: any ObjectStore
    let layout: JobLayout
    let run: RunID
    let attempt: AttemptID
    let transfers: Int
    let packDigest: PackDigest.Kind
    let meter: PhaseMeter

    package init(
        store: any ObjectStore,
        layout: JobLayout,
        run: RunID,
        attempt: AttemptID,
        transfers: Int,
        packDigest: PackDigest.Kind,
        meter: PhaseMeter
    ) {
        self.store = store
        self.layout = layout
        self.run = run
        self.attempt = attempt
        self.transfers = transfers
        self.packDigest = packDigest
        self.meter = meter
    }

    /// What was stored.
    package struct Pushed: Sendable {
        package var files: [PushedFile] = []
        package var packs: [PackEntry] = []

        package init() {}

        /// Everything stored, as keys.
        package var keys: [ObjectKey] {
            packs.map(\.key)
                + files.compactMap { file in
                    if case .object(let key) = file.location { key } else { nil }
                }
        }
    }

    private enum Step: Sendable {
        case pack([SurveyedFile], Int, ObjectKey)
        case object(SurveyedFile, ObjectKey)
    }

    private enum Outcome: Sendable {
        case pack(PackEntry, [PushedFile])
        case object(PushedFile)
    }

    /// Stores everything, at most `transfers` files at once; what the first plan says begins first.
    /// An attempt is pushed once: its keys are numbered from 0.
    package func callAsFunction(_ plans: [PushPlan]) async throws(StagingError) -> Pushed {
        var steps: [Step] = []
        var (objects, packs) = (0, 0)
        for plan in plans {
            for file in plan.objects.sorted(by: { $0.size > $1.size }) {
                steps.append(.object(file, layout.data(run, attempt, objects)))
                objects += 1
            }
            for files in plan.packs {
                steps.append(.pack(files, packs, layout.pushedPack(run, attempt, packs)))
                packs += 1
            }
        }
        let limits = TransferLimits(
            sharedBy: plans.lazy.flatMap(\.objects).map(\.size),
            atOnce: transfers
        )
        let outcomes = try await boundedMap(steps, limit: transfers) {
            (step) throws(StagingError) in try await perform(step, limits)
        }
        var pushed = Pushed()
        for outcome in outcomes {
            switch outcome {
            case .object(let file): pushed.files.append(file)
            case .pack(let pack, let files):
                pushed.packs.append(pack)
                pushed.files += files
            }
        }
        return pushed
    }

    private func perform(
        _ step: Step,
        _ limits: TransferLimits
    ) async throws(StagingError) -> Outcome {
        switch step {
        case .object(let file, let key): .object(try await push(file, to: key, limits))
        case .pack(let files, let index, let key):
            try await pushPack(files, index: index, to: key)
        }
    }

    private func push(
        _ file: SurveyedFile,
        to key: ObjectKey,
        _ limits: TransferLimits
    ) async throws(StagingError) -> PushedFile {
        let descriptor = try file.open()
        meter.expect(bytes: file.size, files: 1)
        let source = DescriptorSource(descriptor, length: file.size, name: file.path)
        let options = PutOptions(metadata: file.objectMetadata)
        let upload = VerifiedUpload(store: store, meter: meter, limits: limits)
        let digest = try await upload(source, to: key, options: options, name: file.path.logSafe)
        try file.check(descriptor)
        meter.finished(1)
        return pushed(file, digest, .object(key))
    }

    private func pushPack(
        _ files: [SurveyedFile],
        index: Int,
        to key: ObjectKey
    ) async throws(StagingError) -> Outcome {
        let plan = try PackPlan(files, times: .own)
        let upload = VerifiedUpload(store: store, meter: meter)
        let (pack, digests) = try await upload.pack(
            plan,
            to: key,
            digest: packDigest,
            name: "a pack of results"
        )
        let entries = zip(plan.files, digests)
            .map { file, digest in
                pushed(file, digest, .pack(index))
            }
        return .pack(pack, entries)
    }

    private func pushed(
        _ file: SurveyedFile,
        _ digest: CRC64NVME,
        _ location: PushedFile.Location
    ) -> PushedFile {
        PushedFile(
            path: file.path,
            size: file.size,
            digest: digest,
            mode: file.mode,
            modified: file.stamp.modified,
            location: location
        )
    }
}

extension SurveyedFile {
    /// What lets a mounted bucket show the file as it was (s3fs reads `mode` and `mtime`).
    var objectMetadata: [String: String] {
        ["mode": String(mode.bits | 0o100000), "mtime": String(stamp.modified.seconds)]
    }
}
