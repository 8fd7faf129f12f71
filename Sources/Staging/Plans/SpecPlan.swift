// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// Puts the spec together from what was planned and what was staged. A pure function.
package enum SpecPlan {
    package static func spec(
        _ description: JobDescription,
        run: RunID,
        layout: JobLayout,
        plan: StagePlan,
        staged: StageRun.Staged,
        policy: StagingPolicy
    ) -> RunSpec {
        RunSpec(
            run: run,
            layout: layout,
            command: description.command,
            workingDirectory: description.workingDirectory,
            environment: description.environment,
            roots: plan.roots,
            directories: plan.directories,
            links: plan.links,
            packs: staged.packs,
            inputs: staged.inputs.map { input in
                var input = input
                // An object of Galaxy's may have no digest that a cached file could be held to.
                if input.galaxyObject == nil { input.isShared = plan.isShared([input.path]) }
                return input
            },
            outputs: description.outputs.map { output in
                OutputEntry(
                    name: output.name,
                    path: output.path,
                    extraFiles: output.extraFiles,
                    ownObject: policy.outputsAreObjects,
                    galaxyKey: policy.outputsAreObjects ? output.object?.key : nil
                )
            },
            job: description.jobFiles,
            push: PushRules(
                onFailure: policy.onFailure,
                leaveBehind: JobSurvey.leftBehind.sorted {
                    $0.bytes.lexicographicallyPrecedes($1.bytes)
                },
                packBelow: policy.packBelow,
                packDigest: .crc64nvme
            ),
            limits: policy.limits
        )
    }
}

/// What the administrator decides about staging.
package struct StagingPolicy: Sendable, Equatable {
    /// Files of at most this many bytes travel in packs.
    package var packBelow: Int64
    /// What is stored when the tool fails.
    package var onFailure: PushRules.OnFailure
    /// Whether every output that is not empty must be an object of its own.
    package var outputsAreObjects: Bool
    /// What nodes' caches may keep for other jobs.
    package var caching: CacheScope
    package var limits: Limits

    package init(
        packBelow: Int64 = 256 << 10,
        onFailure: PushRules.OnFailure = .all,
        outputsAreObjects: Bool = false,
        caching: CacheScope = .nothing,
        limits: Limits = Limits()
    ) {
        self.packBelow = packBelow
        self.onFailure = onFailure
        self.outputsAreObjects = outputsAreObjects
        self.caching = caching
        self.limits = limits
    }
}
