// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Kubernetes

/// What a person is told while nothing is heard of the cluster: once that it is so, once more if
/// somebody has to do something about it, and once that it is over. It does no I/O.
struct ClusterSilence {
    /// How long a refusal must last to count, in seconds: a server that has just started refuses whom
    /// it will know a moment later.
    private static let disbelief = 10.0

    private var last: KubernetesError.Code?
    private var since = 0.0
    private var told: KubernetesError.Code?

    /// - Parameters:
    ///   - trouble: why nothing is heard; nil while something is.
    ///   - now: seconds of a clock that never goes back.
    mutating func note(
        _ trouble: KubernetesError?,
        now: Double
    ) -> String? {
        guard let trouble else {
            defer { self = ClusterSilence() }
            return told == nil ? nil : "The cluster answers again."
        }
        if trouble.code != last {
            last = trouble.code
            since = now
        }
        if trouble.isRetryable {
            guard told == nil else { return nil }
        } else {
            guard told != trouble.code, now - since >= Self.disbelief else { return nil }
        }
        told = trouble.code
        return "Nothing is heard of the cluster; the run goes on. \(trouble.line)"
    }
}
