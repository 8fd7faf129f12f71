// SPDX-License-Identifier: Apache-2.0

import Contract

/// How a try ended, as its executor saw it.
enum TryEnd: Sendable, Equatable {
    /// The worker ended by itself with this exit status.
    case exited(Int32)
    /// Something killed it; the text says what is known.
    case killed(String)
    /// It is gone without a trace: the executor lost it, or somebody removed it.
    case gone(String)
    /// The executor cannot run this try or any other; the text says why.
    case impossible(String)
    /// The memory that the worker itself may use was not enough; the text is the same for every such try.
    case starved(String)
    /// The memory that the tool may use was not enough.
    case outOfMemory(String)
    /// The time that the try may take is over.
    case walltime(String)
}

/// What the head does about a try that left no result. A pure decision.
enum TryVerdict: Sendable, Equatable {
    /// Another try, paid from the run's own budget.
    case retry(String)
    /// One more try; a second end for the same reason is for good.
    case retryOnce(String)
    /// Another try, paid from the budget for what is not the tool's fault.
    case disruption(String)
    /// The inputs are looked at and staged again, then one more try.
    case restage(String)
    /// No try will do better.
    case permanent(String)
    /// No try of the same size will do better; Galaxy may have a bigger one.
    case limit(RunResult.EndReason, String)
    /// The worker says that a result exists; the bucket must be asked again.
    case resultExpected

    /// What is done, without its reason.
    enum Kind: String, Sendable, CaseIterable {
        case retry
        case disruption
        case restage
        case permanent
        case limit
        case resultExpected = "result_lost"
    }

    var kind: Kind {
        switch self {
        case .retry, .retryOnce: .retry
        case .disruption: .disruption
        case .restage: .restage
        case .permanent: .permanent
        case .limit: .limit
        case .resultExpected: .resultExpected
        }
    }

    init(_ end: TryEnd) {
        switch end {
        case .exited(let status): self = Self.judge(status)
        case .killed(let how): self = .disruption("the worker was killed: \(how)")
        case .gone(let how): self = .disruption("the try is gone: \(how)")
        case .impossible(let why): self = .permanent(why)
        case .starved(let why): self = .retryOnce(why)
        case .outOfMemory(let how): self = .limit(.outOfMemory, how)
        case .walltime(let how): self = .limit(.walltime, how)
        }
    }

    private static func judge(_ status: Int32) -> TryVerdict {
        switch WorkerExit(rawValue: status) {
        case .committed: .resultExpected
        case .usage: .permanent("the worker did not accept its orders")
        case .input: .restage("an input is not what was promised")
        case .notStored: .retry("the tool ran, but its results could not be stored")
        case .unreachable: .retry("the bucket could not be reached")
        case .bug: .permanent("the worker has a bug")
        case .io: .retry("the disk of the try failed or is full")
        case .stopped: .disruption("the try was told to stop")
        case .denied: .permanent("the bucket denied access")
        case .none: .disruption("the worker ended with status \(status), which is none of its own")
        }
    }
}
