// SPDX-License-Identifier: Apache-2.0

import Contract
import S3Client

/// What all metrics of this program begin with, but for those of any process.
enum MetricNames {
    static let prefix = "galaxy_s3_executor_"
}

/// Puts a page together, from those who count.
struct MetricsPage: Sendable {
    let server: ServerName
    let runs: RunMetrics
    let store: S3Metrics
    let cluster: ClusterMetrics
    /// Whether nothing is heard of the cluster; nil without one.
    let isOutOfReach: @Sendable () -> Bool?

    var text: MetricsText {
        var text = MetricsText()
        text.add(
            MetricNames.prefix + "build_info",
            .gauge,
            "Always 1; the labels say which release serves which Galaxy server.",
            [
                .init(
                    labels: [
                        .init("server", server.description), .init("version", Release.version),
                    ],
                    value: 1
                )
            ]
        )
        runs.write(to: &text)
        writeStore(&text)
        cluster.write(to: &text, isOutOfReach: isOutOfReach())
        if let figures = ProcessFigures.read() { figures.write(to: &text) }
        return text
    }

    private func writeStore(_ text: inout MetricsText) {
        let counts = store.counts
        text.add(
            MetricNames.prefix + "s3_requests_total",
            .counter,
            "Requests of the head to the bucket, retries among them.",
            counts.requests.sorted { $0.key < $1.key }
                .map { .init(labels: [.init("operation", $0.key)], value: Double($0.value)) }
        )
        text.add(
            MetricNames.prefix + "s3_errors_total",
            .counter,
            "Attempts at a request that failed, by what the trouble was.",
            counts.failures
                .sorted {
                    ($0.key.operation, $0.key.kind) < ($1.key.operation, $1.key.kind)
                }
                .map { failure, count in
                    let labels: [MetricsText.Label] = [
                        .init("kind", failure.kind), .init("operation", failure.operation),
                    ]
                    return .init(labels: labels, value: Double(count))
                }
        )
        text.add(
            MetricNames.prefix + "s3_retries_total",
            .counter,
            "Attempts at a request after the first.",
            counts.retries
        )
        text.add(
            MetricNames.prefix + "s3_sent_bytes_total",
            .counter,
            "Bytes of objects that the bucket has taken from the head.",
            counts.bytesSent
        )
        text.add(
            MetricNames.prefix + "s3_received_bytes_total",
            .counter,
            "Bytes of objects that the head has got from the bucket.",
            counts.bytesReceived
        )
    }
}
