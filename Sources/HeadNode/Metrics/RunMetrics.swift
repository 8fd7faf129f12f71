// SPDX-License-Identifier: Apache-2.0

import Contract
import Synchronization

/// Counts what becomes of runs. Label values are bounded: states and reasons are ours, destinations
/// are counted.
final class RunMetrics: Sendable {
    private struct State {
        var runs: [Place: Int] = [:]
        var submitted: [String: Int] = [:]
        var ended: [Place: Int] = [:]
        var demand: [String: RunDemand] = [:]
        var triesEnded: [TryVerdict.Kind: Int] = [:]
        var trouble = 0
        var phases: [String: Phase] = [:]
        var alreadyThere = 0
        var cachedBytes: Int64 = 0
        var destinations: Set<String> = []
    }

    private struct Place: Hashable {
        var state: ServeState
        var destination: String
    }

    private struct Phase {
        var seconds = Histogram()
        var bytes: Int64 = 0
        var files = 0
    }

    /// Destinations that are told apart; what comes later is `other`.
    private static let mostDestinations = 100
    private static let knownPhases: Set<String> = ["stage", "fetch", "tool", "push", "collect"]

    private let state = Mutex(State())

    // MARK: What happens

    func opened(_ run: OpenedRun) {
        state.withLock { state in
            let label = Self.label(run, &state)
            state.runs[Place(state: .staging, destination: label), default: 0] += 1
            state.demand[label, default: RunDemand()] += run.demand
            if !run.isResumed { state.submitted[label, default: 0] += 1 }
        }
    }

    func moved(
        _ run: OpenedRun,
        from before: ServeState,
        to after: ServeState
    ) {
        state.withLock { Self.move(run, from: before, to: after, &$0) }
    }

    /// - Parameter isNews: false for a run that had ended before it was submitted here.
    func ended(
        _ run: OpenedRun,
        was before: ServeState,
        _ ending: RunEnding,
        isNews: Bool
    ) {
        state.withLock { state in
            let after = ServeState(ending.state)
            Self.move(run, from: before, to: after, &state)
            guard isNews else { return }
            let label = Self.label(run, &state)
            state.ended[Place(state: after, destination: label), default: 0] += 1
            for phase in ending.phases { Self.add(phase, &state) }
        }
    }

    /// The plugin has finished with a run.
    func forgotten(_ run: OpenedRun, _ last: ServeState) {
        state.withLock { state in
            let place = Place(state: last, destination: Self.label(run, &state))
            state.runs[place, default: 0] -= 1
        }
    }

    func note(_ event: RunEvent) {
        switch event {
        case .tryEnded(_, _, let kind): state.withLock { $0.triesEnded[kind, default: 0] += 1 }
        case .phaseEnded(let report, let alreadyThere) where report.name == "stage":
            state.withLock { state in
                Self.add(report, &state)
                state.alreadyThere += alreadyThere
            }
        default: break
        }
    }

    /// A run could not be carried on, and waits.
    func troubled() { state.withLock { $0.trouble += 1 } }

    private static func move(
        _ run: OpenedRun,
        from before: ServeState,
        to after: ServeState,
        _ state: inout State
    ) {
        let label = label(run, &state)
        state.runs[Place(state: before, destination: label), default: 0] -= 1
        state.runs[Place(state: after, destination: label), default: 0] += 1
        if before.isWaiting, !after.isWaiting {
            state.demand[label, default: RunDemand()] -= run.demand
        }
    }

    private static func add(_ report: PhaseReport, _ state: inout State) {
        guard knownPhases.contains(report.name) else { return }
        var phase = state.phases[report.name] ?? Phase()
        phase.seconds.add(report.seconds)
        phase.bytes += report.bytes
        phase.files += report.files
        state.phases[report.name] = phase
        state.cachedBytes += report.cachedBytes ?? 0
    }

    private static func label(_ run: OpenedRun, _ state: inout State) -> String {
        let name = run.destination ?? ""
        if state.destinations.contains(name) { return name }
        guard state.destinations.count < mostDestinations else { return "other" }
        state.destinations.insert(name)
        return name
    }

    // MARK: What is told

    func write(to text: inout MetricsText) {
        let state = state.withLock { $0 }
        let prefix = MetricNames.prefix
        text.add(
            prefix + "runs",
            .gauge,
            "Runs that are known, until Galaxy has finished with them.",
            Self.samples(state.runs.filter { $0.value != 0 }, "state")
        )
        text.add(
            prefix + "runs_submitted_total",
            .counter,
            "Runs that were begun.",
            Self.samples(state.submitted)
        )
        text.add(
            prefix + "runs_ended_total",
            .counter,
            "Runs that have ended, by how.",
            Self.samples(state.ended, "outcome")
        )
        writeDemand(state, &text)
        text.add(
            prefix + "tries_failed_total",
            .counter,
            "Tries that came to nothing, by what was done about it.",
            state.triesEnded.sorted { $0.key.rawValue < $1.key.rawValue }
                .map { .init(labels: [.init("reason", $0.key.rawValue)], value: Double($0.value)) }
        )
        text.add(
            prefix + "run_retries_total",
            .counter,
            "Times that a run could not be carried on by the head, and waited.",
            state.trouble
        )
        writePhases(state, &text)
    }

    private func writeDemand(_ state: State, _ text: inout MetricsText) {
        func samples(_ value: (RunDemand) -> Double) -> [MetricsText.Sample] {
            state.demand.sorted { $0.key < $1.key }
                .map {
                    .init(labels: [.init("destination", $0.key)], value: value($0.value))
                }
        }
        let whose = "that runs ask for which were submitted and whose tool has not begun"
        text.add(
            MetricNames.prefix + "waiting_cpu_cores",
            .gauge,
            "CPU cores \(whose).",
            samples { Double($0.cpu) / 1000 }
        )
        text.add(
            MetricNames.prefix + "waiting_memory_bytes",
            .gauge,
            "Memory \(whose).",
            samples { Double($0.memory) }
        )
        text.add(
            MetricNames.prefix + "waiting_input_bytes",
            .gauge,
            "Sizes of the input datasets of runs which were submitted and whose tool has not begun.",
            samples { Double($0.bytes) }
        )
    }

    private func writePhases(_ state: State, _ text: inout MetricsText) {
        let phases = state.phases.sorted { $0.key < $1.key }
        func label(_ name: String) -> MetricsText.Label { .init("phase", name) }
        text.add(
            MetricNames.prefix + "phase_seconds",
            .histogram,
            "How long each phase of a run took.",
            phases.flatMap { $0.value.seconds.samples(label($0.key)) }
        )
        text.add(
            MetricNames.prefix + "phase_bytes_total",
            .counter,
            "Bytes moved: staged and collected by the head, fetched and pushed by workers.",
            phases.map { .init(labels: [label($0.key)], value: Double($0.value.bytes)) }
        )
        text.add(
            MetricNames.prefix + "phase_files_total",
            .counter,
            "Files moved, members of packs included.",
            phases.map { .init(labels: [label($0.key)], value: Double($0.value.files)) }
        )
        text.add(
            MetricNames.prefix + "staged_files_skipped_total",
            .counter,
            "Files that did not have to be staged, because they were in the bucket.",
            state.alreadyThere
        )
        text.add(
            MetricNames.prefix + "fetch_cached_bytes_total",
            .counter,
            "Bytes that workers took from their node's cache, so that the bucket was not asked.",
            state.cachedBytes
        )
    }

    private static func samples(_ counts: [Place: Int], _ name: String) -> [MetricsText.Sample] {
        counts.sorted { a, b in
            (a.key.destination, a.key.state.rawValue) < (b.key.destination, b.key.state.rawValue)
        }
        .map { place, count in
            let labels: [MetricsText.Label] = [
                .init("destination", place.destination), .init(name, place.state.rawValue),
            ]
            return .init(labels: labels, value: Double(count))
        }
    }

    private static func samples(_ counts: [String: Int]) -> [MetricsText.Sample] {
        counts.sorted { $0.key < $1.key }
            .map { .init(labels: [.init("destination", $0.key)], value: Double($0.value)) }
    }
}

extension ServeState {
    /// Whether the tool has not begun.
    fileprivate var isWaiting: Bool { self == .staging || self == .queued }
}

extension RunDemand {
    static func += (a: inout RunDemand, b: RunDemand) {
        a.cpu += b.cpu
        a.memory += b.memory
        a.bytes += b.bytes
    }

    static func -= (a: inout RunDemand, b: RunDemand) {
        a.cpu -= b.cpu
        a.memory -= b.memory
        a.bytes -= b.bytes
    }
}
