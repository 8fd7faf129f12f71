// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names

/// Why a run came to nothing for good: what whoever sees the job in Galaxy reads, and whoever runs
/// that Galaxy. Pure.
struct RunFailure: ExplainedError {
    let what: String
    let remedy: String

    var codeName: String { HeadError.Code.failed.rawValue }

    /// No try would do better than the last one.
    ///
    /// - Parameters:
    ///   - why: how the try ended, in its verdict's words.
    ///   - words: what the worker itself said last; empty for nothing.
    static func hopeless(_ run: RunID, _ why: String, _ end: TryEnd, _ words: String) -> RunFailure
    {
        RunFailure("Run \(run) cannot be done: \(why)", words, end.remedy)
    }

    /// All tries that a run has are spent.
    static func spent(
        _ run: RunID,
        tries: Int,
        _ why: String,
        _ end: TryEnd,
        _ words: String
    ) -> RunFailure {
        RunFailure("Run \(run) failed in \(tries) tries: \(why)", words, end.remedy)
    }

    /// The run was disrupted more often than it may be.
    static func disrupted(
        _ run: RunID,
        times: Int,
        _ why: String,
        _ words: String
    ) -> RunFailure {
        RunFailure(
            "Run \(run) was disrupted \(times) times: \(why)",
            words,
            "Find out what ends its tries, or allow more by disruptions, then run the job again."
        )
    }

    /// The worker says that there is a result, and the bucket says that there is none.
    static func resultLost(_ run: RunID, _ key: ObjectKey, bucket: String) -> RunFailure {
        RunFailure(
            "The worker of run \(run) stored a result, but there is none at "
                + "s3://\(bucket)/\(key.logSafe)",
            "",
            "Find out what removes objects there, such as a lifecycle rule, then run the job again."
        )
    }

    /// Inputs are others in the bucket now than when the run began.
    ///
    /// - Parameter replaced: what became of each, as a sentence without its full stop; not empty.
    static func replaced(_ run: RunID, _ replaced: [String], _ words: String) -> RunFailure {
        let more = replaced.count > 1 ? ", and \(replaced.count - 1) more" : ""
        return RunFailure(
            "Run \(run) cannot be done: \(replaced.first ?? "")\(more)",
            words,
            "Run the job again: a new run takes what is there now."
        )
    }

    /// What the run had staged is lost from the bucket, and what it was staged from is another file now.
    static func unstageable(_ run: RunID, _ error: HeadError, _ words: String) -> RunFailure {
        let why = (error.cause as? any ExplainedError) ?? error
        let place = why.place.isEmpty ? "" : " (\(why.place))"
        return RunFailure(
            "Run \(run) cannot be done, and cannot be staged again: \(why.what)\(place)",
            words,
            "Find out what removes objects there, such as a lifecycle rule, then run the job again: a "
                + "new run takes the inputs as they are now."
        )
    }

    /// Somebody has overwritten what the head had staged.
    static func damaged(
        _ run: RunID,
        _ why: String,
        _ objects: [(name: String, key: ObjectKey)],
        bucket: String,
        _ words: String
    ) -> RunFailure {
        let named = objects.prefix(5)
            .map { "\($0.name) (s3://\(bucket)/\($0.key.logSafe))" }
            .joined(separator: ", ")
        let more = objects.count > 5 ? " and \(objects.count - 5) more" : ""
        return RunFailure(
            "Run \(run) cannot be done: \(why). The bucket holds other bytes than were staged: "
                + "\(named)\(more)",
            words,
            "Find out who wrote them, and remove each by `galaxy-head-node s3 rm <URL>`; a new run "
                + "stages these files afresh."
        )
    }

    private init(_ what: String, _ words: String, _ remedy: String) {
        self.what = words.isEmpty ? what : "\(what). The worker said: \(words)"
        self.remedy = remedy
    }
}

extension TryEnd {
    /// What whoever runs Galaxy can do about it; empty where the words of the end say it.
    fileprivate var remedy: String {
        switch self {
        case .exited(let status): WorkerExit(rawValue: status)?.remedy ?? ""
        case .impossible(let why): Self.remedy(forPod: why)
        case .killed, .gone, .starved, .outOfMemory, .walltime: ""
        }
    }

    /// What to do where the kubelet's own word (containers' `reason`) says what is wrong.
    private static func remedy(forPod why: String) -> String {
        let words: [(reasons: [String], remedy: String)] = [
            (
                ["ErrImage", "ImagePull", "InvalidImageName"],
                "Correct the name of that image, or let the nodes pull it (registry, pull Secret), "
            ),
            (
                ["CreateContainerConfigError"],
                "Make in the namespace of the pods what it names, or correct the name in the "
                    + "configuration, "
            ),
            (
                ["StartError", "RunContainerError", "ContainerCannotRun", "CreateContainerError"],
                "Give the tool an image that has this program and that its node can run, "
            ),
        ]
        let fitting = words.first { $0.reasons.contains(where: why.contains) }
        return (fitting?.remedy ?? "Correct that, ") + "then run the job again."
    }
}

extension WorkerExit {
    fileprivate var remedy: String {
        switch self {
        case .committed: ""
        case .usage: "Use galaxy-head-node and galaxy-worker-exec of one release."
        case .input:
            "See who changes the objects that the worker names; a new run of the job stages them again."
        case .notStored, .unreachable:
            "See whether the store is up, and can be reached from where the tries run; then run the job "
                + "again."
        case .bug: "Report it, with what the worker said."
        case .io:
            "See what the worker names; give tries more disk (kubernetes.output_allowance), or look at "
                + "the disk of the machine that ran them."
        case .stopped: "Find out what ends its tries, then run the job again."
        case .denied: "Allow what the worker names to its keys, then run the job again."
        }
    }
}
