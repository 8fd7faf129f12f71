// SPDX-License-Identifier: Apache-2.0

/// How often something took how long, in buckets that are fixed.
struct Histogram: Sendable, Equatable {
    /// Upper bounds in seconds: from a small pack to a night of computing.
    static let bounds = [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 28_800, 86_400]

    private var counts = [Int](repeating: 0, count: bounds.count)
    private var sum = 0.0
    private var count = 0

    mutating func add(_ seconds: Double) {
        count += 1
        sum += seconds
        for index in Self.bounds.indices where seconds <= Self.bounds[index] { counts[index] += 1 }
    }

    /// As Prometheus wants them: cumulative buckets, sum, count.
    func samples(_ label: MetricsText.Label) -> [MetricsText.Sample] {
        var samples = Self.bounds.indices.map { index in
            MetricsText.Sample(
                suffix: "_bucket",
                labels: [label, .init("le", MetricsText.number(Self.bounds[index]))],
                value: Double(counts[index])
            )
        }
        let labels = [label, .init("le", "+Inf")]
        samples.append(.init(suffix: "_bucket", labels: labels, value: Double(count)))
        samples.append(.init(suffix: "_sum", labels: [label], value: sum))
        samples.append(.init(suffix: "_count", labels: [label], value: Double(count)))
        return samples
    }
}
