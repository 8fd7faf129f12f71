// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials
import Kubernetes
import Names
import Staging
import Testing

@testable import HeadNode

extension FailureSample {
    /// Runs that the head ended, because no try would do better.
    static let tries: [FailureSample] = [
        exited("worker-refused-its-orders", .usage, "The spec galaxy/jobs/… has another SHA-256."),
        exited("worker-could-not-store", .notStored, "Cannot push: the store is in trouble."),
        exited("worker-could-not-reach-the-bucket", .unreachable, "Cannot fetch."),
        exited("worker-has-a-bug", .bug, "index out of range"),
        exited("worker-disk-full", .io, "Cannot write /galaxy/x: No space left on device."),
        exited("worker-denied", .denied, "Cannot get s3://galaxy-data/k: access denied."),
        exited("worker-input-not-as-promised", .input, "dataset_7.dat has 3 bytes, not 4."),
        pod(
            "pod-evicted-for-its-disk",
            #"""
            {"phase":"Failed","reason":"Evicted",
             "message":"Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. "}
            """#
        ),
        pod(
            "pod-out-of-memory",
            #"""
            {"phase":"Failed","containerStatuses":[
             {"name":"tool","state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}},
             {"name":"push","state":{"terminated":{"exitCode":1}}}]}
            """#
        ),
        pod(
            "pod-worker-out-of-memory",
            #"""
            {"phase":"Failed","containerStatuses":[
             {"name":"tool","state":{"terminated":{"exitCode":0}}},
             {"name":"push","state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}
            """#
        ),
        pod("pod-past-its-deadline", #"{"phase":"Failed","reason":"DeadlineExceeded"}"#),
        pod(
            "pod-image-has-no-such-program",
            #"""
            {"phase":"Running","containerStatuses":[
             {"name":"tool","state":{"terminated":{"exitCode":128,"reason":"StartError",
              "message":"exec: \"/bin/bash\": no such file or directory"}}},
             {"name":"push","state":{"running":{}}}]}
            """#
        ),
        pod(
            "pod-killed",
            #"""
            {"phase":"Failed","containerStatuses":[
             {"name":"tool","state":{"terminated":{"exitCode":0}}},
             {"name":"push","state":{"terminated":{"exitCode":137}}}]}
            """#
        ),
        pod(
            "pod-evicted-by-its-node",
            #"""
            {"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory. "}
            """#
        ),
        waiting(
            "pod-finds-no-node",
            #"""
            {"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False",
             "reason":"Unschedulable","message":"0/3 nodes are available: 3 Insufficient memory."}]}
            """#
        ),
        waiting(
            "pod-image-is-not-there",
            #"""
            {"phase":"Pending","containerStatuses":[{"name":"tool","state":{"waiting":
             {"reason":"ImagePullBackOff","message":"Back-off pulling image \"nobody/nothing:1\""}}}]}
            """#
        ),
        waiting(
            "pod-secret-is-not-there",
            #"""
            {"phase":"Pending","containerStatuses":[{"name":"push","state":{"waiting":
             {"reason":"CreateContainerConfigError","message":"secret \"galaxy-s3\" not found"}}}]}
            """#
        ),
        FailureSample("job-deleted-again-and-again") {
            let end = TryEnd.gone(
                "Job gxy-main-42-1 was deleted by somebody, or removed after its time"
            )
            return try ended(end, "")
        },
        FailureSample("result-lost") {
            try failed(
                .resultLost(
                    run(),
                    ObjectKey("galaxy/jobs/main/42-0123456789abcdef/result.json"),
                    bucket: "galaxy-data"
                )
            )
        },
        FailureSample("input-replaced-in-galaxys-store") {
            try failed(
                .replaced(
                    run(),
                    [
                        "the input /galaxy/dataset_7.dat is another object in Galaxy's store by now",
                        "another",
                    ],
                    ""
                )
            )
        },
        FailureSample("staged-object-lost-and-input-changed") {
            let error = StagingError(
                .changed,
                what: "/galaxy/dataset_7.dat is lost from the bucket, and on disk another file",
                place: "galaxy/stage/main/dataset_7.dat"
            )
            return try failed(
                .unstageable(run(), HeadError(error, doing: "Cannot stage again"), "No such key.")
            )
        },
        FailureSample("staged-objects-overwritten") {
            try failed(
                .damaged(
                    run(),
                    "an input is not what was promised",
                    [(name: "/galaxy/dataset_7.dat", key: key())],
                    bucket: "galaxy-data",
                    ""
                )
            )
        },
        FailureSample("cancelled") { .ended(RunEnding(.cancelled, "The job was cancelled.")) },
    ]

    private static func exited(
        _ name: String,
        _ exit: WorkerExit,
        _ words: String
    ) -> FailureSample {
        FailureSample(name) { try ended(.exited(exit.rawValue), words) }
    }

    /// A pod that ended like this.
    private static func pod(_ name: String, _ status: String) -> FailureSample {
        FailureSample(name) {
            let seen = TrySighting(job: nil, pods: [try pod(status)], roles: .split)
            switch seen {
            case .ended(let end), .stuck(let end, _): return try ended(end, "")
            default: throw Unexpected(seen: seen)
            }
        }
    }

    /// A pod that waits longer than it may.
    private static func waiting(_ name: String, _ status: String) -> FailureSample {
        FailureSample(name) {
            let seen = TrySighting(job: nil, pods: [try pod(status)], roles: .split)
            var judge = TryJudge(TryJudge.Limits(schedule: 300, image: 300, container: 300))
            _ = judge(seen, isComplete: true, now: 0)
            guard case .end(let end, _) = judge(seen, isComplete: true, now: 300) else {
                throw Unexpected(seen: seen)
            }
            return try ended(end, "")
        }
    }

    private struct Unexpected: Error { let seen: TrySighting }

    private static func pod(_ status: String) throws -> Pod {
        let text = """
            {"metadata":{"name":"gxy-main-42-1-x7k2p","uid":"u",
             "creationTimestamp":"2026-11-21T12:00:00Z"},
             "spec":{"nodeName":"node-3"},"status":\(status)}
            """
        return try JSONDecoder().decode(Pod.self, from: Data(text.utf8))
    }

    /// What a run comes to whose last try ended like this.
    private static func ended(_ end: TryEnd, _ words: String) throws -> Outcome {
        let run = try run()
        switch TryVerdict(end) {
        case .permanent(let why), .retryOnce(let why), .restage(let why):
            return try failed(.hopeless(run, why, end, words))
        case .retry(let why): return try failed(.spent(run, tries: 2, why, end, words))
        case .disruption(let why): return try failed(.disrupted(run, times: 6, why, words))
        case .limit(let reason, let how): return .ended(RunEnding(reason, how))
        case .resultExpected: throw Unexpected(seen: .ended(end))
        }
    }

    private static func failed(_ failure: RunFailure) throws -> Outcome {
        .ended(RunEnding(.failed, failure.line))
    }
}
