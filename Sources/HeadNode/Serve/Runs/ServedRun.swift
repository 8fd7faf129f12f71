// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import Staging

/// What the plugin knows of one run, and what an event adds to it. A pure value: states only move
/// forward, and the last one is final.
struct ServedRun: Sendable {
    let job: FilePath
    let run: RunID
    private(set) var state = ServeState.staging
    /// How many `state` events there have been.
    private(set) var seq = 0
    private(set) var waiting: String?
    /// nil until it has ended.
    private(set) var end: EndFacts?
    private var figures = RunFigures()
    /// What became of the tries that came to nothing.
    private var verdicts: [String] = []

    /// Tries whose verdicts are told.
    private static let mostVerdicts = 20
    /// Sentences of one kind that are told.
    private static let mostDetails = 50

    init(job: FilePath, run: RunID) {
        self.job = job
        self.run = run
    }

    /// Where the run is.
    var facts: RunFacts {
        RunFacts(job: job, run: run, state: state, seq: seq, waiting: waiting)
    }

    /// How many tries there have been, as far as was heard.
    var tries: Int { figures.tries }

    /// The last `state` event once more, for a plugin that may have missed it; nil before the end.
    var lastWord: ServeEvent? { end.map { .state(facts, $0) } }

    /// What the plugin is told of an event.
    mutating func apply(_ event: RunEvent) -> [ServeEvent] {
        if state.isFinal { return [] }
        switch event {
        case .phaseBegan("stage"): return seq == 0 ? move(to: .staging) : []
        case .phaseBegan("collect"): return advance(to: .collecting)
        case .submitted(let id):
            hear(of: id)
            return advance(to: .queued)
        case .running(let id, _):
            hear(of: id)
            return advance(to: .running)
        case .waiting(let id, let why):
            hear(of: id)
            if waiting == why { return [] }
            waiting = why
            return [.waiting(job, run, reason: why)]
        case .phaseEnded(let report, _):
            add(report)
            return []
        case .tryEnded(let id, let text, _):
            hear(of: id)
            verdicts = (verdicts + ["Try \(id.number): \(text)"]).suffix(Self.mostVerdicts)
            return [note("Try \(id.number) came to nothing: \(text).", isTrouble: true)]
        case .note(let text): return [note(text, isTrouble: false)]
        case .trouble(let text): return [note(text, isTrouble: true)]
        case .began, .phaseBegan, .progress, .output, .ended: return []
        }
    }

    /// What the plugin is told of the end.
    mutating func finish(_ ending: RunEnding) -> [ServeEvent] {
        if state.isFinal { return [] }
        for phase in ending.phases { add(phase) }
        figures.cpuSeconds = ending.cpuSeconds.toTheMillisecond
        figures.peakMemoryBytes = ending.peakResidentBytes
        let refused = ending.refused.prefix(Self.mostDetails)
        let more = ending.refused.count - refused.count
        let lines = verdicts + refused + (more > 0 ? ["and \(more) more"] : [])
        end = EndFacts(
            message: MessageCoding.fit(ending.message),
            details: MessageCoding.fit(lines.joined(separator: "\n")),
            exitCode: ending.exitCode,
            metrics: figures
        )
        verdicts = []
        return move(to: ServeState(ending.state))
    }

    private mutating func hear(of id: TryID) { figures.tries = max(figures.tries, id.number) }

    private func note(_ text: String, isTrouble: Bool) -> ServeEvent {
        .note(job, run, text: text, isTrouble: isTrouble)
    }

    private mutating func advance(to next: ServeState) -> [ServeEvent] {
        state.canBecome(next) ? move(to: next) : []
    }

    private mutating func move(to next: ServeState) -> [ServeEvent] {
        state = next
        seq += 1
        waiting = nil
        return [.state(facts, end)]
    }

    private mutating func add(_ report: PhaseReport) {
        figures.phases[report.name] = RunFigures.Phase(
            seconds: report.seconds.toTheMillisecond,
            bytes: report.bytes,
            files: report.files
        )
        switch report.name {
        case "fetch": figures.bytesIn = report.bytes
        case "push": figures.bytesOut = report.bytes
        default: break
        }
    }
}
