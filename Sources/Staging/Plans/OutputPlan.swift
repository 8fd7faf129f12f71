// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// What happens to each file that an attempt brought back, by output mode. A pure value.
///
/// An output can only stay in the bucket where Galaxy looks for it at its final place: an output in the
/// job directory is moved from there by Galaxy, with all its bytes. So it is copied in every mode.
package struct OutputPlan: Sendable {
    /// What is brought to the head's disk.
    package private(set) var collected: CollectPlan
    /// What stays in the bucket, by path; the mode says what takes its place on the head.
    package private(set) var kept: [KeptOutput] = []

    /// - Throws: as `CollectPlan`, whatever the mode.
    package init(
        _ report: AttemptReport,
        of spec: RunSpec,
        given: GivenPlaces,
        mode: OutputMode
    ) throws(StagingError) {
        collected = try CollectPlan(report, of: spec, given: given)
        guard mode.staysInBucket else { return }
        // Galaxy may begin the job again with the same outputs, and must not meet a read-only link there.
        if mode == .link, !report.isSuccess { return }
        let outputs = Set(
            spec.outputs.map(\.path).filter { !$0.isAtOrBelow(spec.job.directory) }
        )
        let (kept, copied) = collected.objects.reduce(into: ([KeptOutput](), [CollectedObject]())) {
            if outputs.contains($1.file.path), $1.file.size > 0 {
                $0.0.append(KeptOutput(file: $1.file, key: $1.key))
            } else {
                $0.1.append($1)
            }
        }
        self.kept = kept.sorted { $0.file.path < $1.file.path }
        collected.objects = copied
    }

    private typealias CollectedObject = (file: PushedFile, key: ObjectKey)

    /// Copies these outputs after all: what should have taken their place cannot.
    package mutating func copy(_ outputs: some Sequence<KeptOutput>) {
        let copied = Set(outputs)
        kept.removeAll { copied.contains($0) }
        collected.objects += copied.map { ($0.file, $0.key) }
        collected.objects.sort { $0.file.path < $1.file.path }
    }
}

/// An output whose bytes stay where the worker has put them.
package struct KeptOutput: Sendable, Hashable {
    package var file: PushedFile
    package var key: ObjectKey

    package init(file: PushedFile, key: ObjectKey) {
        self.file = file
        self.key = key
    }
}
