// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import Staging
import Synchronization

/// Shows a run: a line that moves on a terminal, plain lines elsewhere, JSON for programs.
///
/// People read standard error, the table at the end too; standard output is for programs.
final class RunDisplay: Sendable {
    private struct State {
        var phases: [PhaseReport] = []
        var alreadyThere: [String: Int] = [:]
        var phase = ""
        var phaseStart = 0.0
        var hasLine = false
        var lastPlain = 0.0
    }

    private enum Face {
        case terminal
        case plain
        case json
    }

    private let face: Face
    private let state = Mutex(State())

    init(json: Bool) {
        face = json ? .json : OutputOptions.hasTerminal ? .terminal : .plain
    }

    func show(_ event: RunEvent) {
        state.withLock { state in
            if face == .json { return RunEventLine(event).write() }
            show(event, &state)
        }
    }

    private func show(
        _ event: RunEvent,
        _ state: inout State
    ) {
        switch event {
        case .began(let run, let isResumed):
            line(isResumed ? "Run \(run) is taken up again." : "Run \(run) begins.", &state)
        case .phaseBegan(let phase):
            state.phase = phase
            state.phaseStart = Clock.monotonicSeconds()
        case .progress(let phase, let reading):
            progress(phase, reading, &state)
        case .phaseEnded(let report, let alreadyThere):
            state.phases.append(report)
            state.alreadyThere[report.name] = alreadyThere
        case .submitted(let id): line("Try \(id.number) is submitted.", &state)
        case .waiting(let id, let why): line("Try \(id.number) waits: \(why.logSafe)", &state)
        case .running(let id, let node):
            line("Try \(id.number) runs on \(node.logSafe).", &state)
        case .tryEnded(let id, let text, _):
            line("Try \(id.number) came to nothing: \(text).", &state)
        case .output: break
        case .note(let text), .trouble(let text): line(text.logSafe, &state)
        case .ended(let run, let ending):
            clear(&state)
            Console.err(SummaryTable(run, ending, state.phases, state.alreadyThere).text)
        }
    }

    private func progress(
        _ phase: String,
        _ reading: PhaseMeter.Reading,
        _ state: inout State
    ) {
        let now = Clock.monotonicSeconds()
        if state.phase != phase {
            state.phase = phase
            state.phaseStart = now
        }
        let text = ProgressLine(
            phase: phase,
            reading: reading,
            seconds: now - state.phaseStart
        )
        .text
        switch face {
        case .terminal:
            Console.write("\r\u{1B}[K\(text)", to: STDERR_FILENO)
            state.hasLine = true
        case .plain:
            guard now - state.lastPlain >= 5 else { return }
            state.lastPlain = now
            Console.err(text)
        case .json: break
        }
    }

    private func line(
        _ text: String,
        _ state: inout State
    ) {
        clear(&state)
        Console.err(text)
    }

    private func clear(_ state: inout State) {
        if state.hasLine { Console.write("\r\u{1B}[K", to: STDERR_FILENO) }
        state.hasLine = false
    }
}
