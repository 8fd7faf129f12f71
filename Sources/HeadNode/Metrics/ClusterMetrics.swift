// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import Synchronization

/// Counts what goes wrong between the head and the API server.
final class ClusterMetrics: Sendable {
    private struct State {
        var retries = 0
        var reloads = 0
        var warnings = 0
    }

    private let state = Mutex(State())

    func note(_ notice: ClusterNotice) {
        state.withLock { state in
            switch notice {
            case .retrying: state.retries += 1
            case .credentialsReloaded: state.reloads += 1
            case .warning: state.warnings += 1
            }
        }
    }

    /// - Parameter isOutOfReach: whether nothing is heard of the cluster; nil without one.
    func write(
        to text: inout MetricsText,
        isOutOfReach: Bool?
    ) {
        guard let isOutOfReach else { return }
        let state = state.withLock { $0 }
        text.add(
            MetricNames.prefix + "cluster_out_of_reach",
            .gauge,
            "1 while nothing is heard of the API server.",
            isOutOfReach ? 1 : 0
        )
        text.add(
            MetricNames.prefix + "cluster_retries_total",
            .counter,
            "Attempts at a call of the API server that failed and were followed by another.",
            state.retries
        )
        text.add(
            MetricNames.prefix + "cluster_credentials_reloads_total",
            .counter,
            "Times that the API server did not accept our credentials any more.",
            state.reloads
        )
        text.add(
            MetricNames.prefix + "cluster_warnings_total",
            .counter,
            "Warnings of the API server beside its answers.",
            state.warnings
        )
    }
}
