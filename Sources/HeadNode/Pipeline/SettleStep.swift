// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client
import Staging

/// What is done when Galaxy has put a job's outputs at their final places.
struct SettleStep: Sendable {
    let store: S3Store
    let settings: Settings
    /// Told what an administrator should know.
    let note: @Sendable (String) -> Void

    func callAsFunction(
        _ report: AttemptReport,
        _ paths: [FilePath]
    ) async throws(HeadError) {
        let layout = JobLayout(prefix: settings.prefix, instance: settings.instance)
        let run = FinalRun(
            store: store,
            layout: layout,
            packBelow: settings.staging.packBelow,
            keeper: settings.linkKeeper(store, layout, note: note)
        )
        try await staging("Cannot record the outputs of run \(report.run)") {
            () async throws(StagingError) in _ = try await run(report, paths)
        }
    }
}

extension Settings {
    /// Who makes links to outputs; nil for another mode than `link`.
    func linkKeeper(
        _ store: S3Store,
        _ layout: JobLayout,
        note: @escaping @Sendable (String) -> Void
    ) -> LinkKeeper? {
        outputs.mode == .link ? keeper(store, layout, note) : nil
    }

    /// Who makes links to inputs; nil where they stay files.
    func inputLinkKeeper(
        _ store: S3Store,
        _ layout: JobLayout,
        note: @escaping @Sendable (String) -> Void
    ) -> LinkKeeper? {
        outputs.linksInputs ? keeper(store, layout, note) : nil
    }

    private func keeper(
        _ store: S3Store,
        _ layout: JobLayout,
        _ note: @escaping @Sendable (String) -> Void
    ) -> LinkKeeper? {
        guard let mount = outputs.mount else { return nil }
        return LinkKeeper(
            look: MountLook(mount, store: store, layout: layout),
            transfers: staging.limits.transfers,
            note: note
        )
    }
}
