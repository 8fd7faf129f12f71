// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A Job (batch/v1) as we send it; of its fields, those that we use, each known since
/// Kubernetes 1.20.
///
/// One Job is one try: it makes one pod, and none in its place.
package struct JobManifest: Encodable, Sendable, Equatable {
    private let apiVersion = "batch/v1"
    private let kind = "Job"
    package var metadata: Metadata
    package var spec: Spec

    /// What the Job itself promises.
    package struct Spec: Encodable, Sendable, Equatable {
        /// 0: whoever made the Job makes the next one.
        package var backoffLimit = 0
        /// When the server removes the Job, in seconds after its end; nil for never.
        package var ttlSecondsAfterFinished: Int64?
        package var template: PodTemplate

        package init(ttlSecondsAfterFinished: Int64?, template: PodTemplate) {
            self.ttlSecondsAfterFinished = ttlSecondsAfterFinished
            self.template = template
        }
    }

    package init(metadata: Metadata, spec: Spec) {
        self.metadata = metadata
        self.spec = spec
    }

    /// JSON with sorted keys: equal manifests give equal bytes.
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}

/// How an object is called and what is noted on it.
package struct Metadata: Encodable, Sendable, Equatable {
    /// nil for a pod's template: the server names the pod after its Job.
    package var name: String?
    package var labels: [String: String]
    package var annotations: [String: String]

    package init(name: String?, labels: [String: String], annotations: [String: String]) {
        self.name = name
        self.labels = labels
        self.annotations = annotations
    }
}
