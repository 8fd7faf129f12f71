// SPDX-License-Identifier: Apache-2.0

import Contract
import Staging

/// Something that happens to a run, for whoever shows it.
enum RunEvent: Sendable {
    /// A new run, or an earlier one taken up again.
    case began(RunID, isResumed: Bool)
    case phaseBegan(String)
    /// The phase has moved this far.
    case progress(phase: String, PhaseMeter.Reading)
    case phaseEnded(PhaseReport, alreadyThere: Int)
    case submitted(TryID)
    /// The try waits, and why.
    case waiting(TryID, String)
    /// The tool has begun, on this node.
    case running(TryID, String)
    /// The try came to nothing, and how.
    case tryEnded(TryID, String, TryVerdict.Kind)
    /// Live output of the tool.
    case output(WorkerFrame.Stream, [UInt8])
    case note(String)
    /// It waits for somebody to do something, or leaves something behind: a person should see it.
    case trouble(String)
    case ended(RunID, RunEnding)
}

/// Told of events, from any task, in order for one phase.
typealias RunObserver = @Sendable (RunEvent) -> Void
