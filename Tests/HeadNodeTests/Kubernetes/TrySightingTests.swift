// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Kubernetes
import Testing

@testable import HeadNode

struct TrySightingTests {
    /// In the recordings one container does all.
    private static let roles = PodRoles(initial: "install", tool: "main", last: "main")

    private enum Verdict: String {
        case resultExpected
        case restage
        case retry
        case disruption
        case outOfMemory
        case walltime
        case permanent
        case waitsForNode
        case waitsForImage
        case none
    }

    private static func verdict(_ end: TryEnd) -> Verdict {
        switch TryVerdict(end) {
        case .resultExpected: .resultExpected
        case .restage: .restage
        case .retry, .retryOnce: .retry
        case .disruption: .disruption
        case .limit(.outOfMemory, _): .outOfMemory
        case .limit: .walltime
        case .permanent: .permanent
        }
    }

    /// The first end that is seen, as the head acts on it; else what it waited for last.
    private func verdict(
        _ recorded: RecordedTries,
        _ name: String,
        jobFirst: Bool
    ) -> Verdict {
        var first: Verdict?
        var last = Verdict.none
        recorded.sightings(of: name, jobFirst: jobFirst) { job, pods in
            switch TrySighting(job: job, pods: pods, roles: Self.roles) {
            case .ended(let end): first = first ?? Self.verdict(end)
            case .waiting(let wait) where wait.kind == .schedule: last = .waitsForNode
            case .waiting(let wait) where wait.kind == .image: last = .waitsForImage
            default: break
            }
        }
        return first ?? last
    }

    @Test("the same verdicts on what servers of 1.20 and of 1.36 really sent")
    func recordings() throws {
        let common: [String: Verdict] = [
            "success": .resultExpected, "no-image": .resultExpected, "ttl": .resultExpected,
            "oom": .outOfMemory, "deadline": .walltime,
            "too-much-disk": .permanent, "cancelled": .disruption,
        ]
        // There the Job's controller makes another pod by itself, and that one ends well.
        let older: [String: Verdict] = ["evicted-counted": .resultExpected]
        let newer: [String: Verdict] = [
            "evicted-counted": .disruption,
            "exit-65-permanent": .restage, "exit-74-retried": .retry,
            "evicted-ignored": .disruption,
            // The tool of that recording ended with 127, which is no status of a worker's.
            "init-then-run": .disruption,
        ]
        for version in RecordedTries.versions {
            let recorded = try RecordedTries(version)
            let expected = common.merging(version == "k8s-1.36.2" ? newer : older) { $1 }
            for (name, verdict) in expected {
                #expect(
                    self.verdict(recorded, name, jobFirst: true) == verdict,
                    "\(name) of \(version)"
                )
            }
        }
    }

    @Test("what waits is told apart before its deadline comes")
    func waits() throws {
        for version in RecordedTries.versions {
            let recorded = try RecordedTries(version)
            var kinds: [String: Set<String>] = [:]
            for name in ["image-missing", "unschedulable"] {
                recorded.sightings(of: name, jobFirst: false) { job, pods in
                    let running = job.map { $0.isOver } != true
                    guard running,
                        case .waiting(let wait) = TrySighting(
                            job: nil,
                            pods: pods,
                            roles: Self.roles
                        )
                    else { return }
                    kinds[name, default: []].insert("\(wait.kind)")
                    if wait.kind == .image { #expect(wait.text.contains("localhost/nothere:1")) }
                    if wait.kind == .schedule { #expect(wait.text.contains("nodes are available")) }
                }
            }
            #expect(kinds["image-missing"]?.contains("image") == true, "\(version)")
            #expect(kinds["unschedulable"]?.contains("schedule") == true, "\(version)")
        }
    }

    @Test("no event of any recording, in either order, makes a running tool look ended by itself")
    func noEarlyEnd() throws {
        for version in RecordedTries.versions {
            let recorded = try RecordedTries(version)
            for (type, pod) in recorded.pods where type != "DELETED" {
                let sighting = TrySighting(job: nil, pods: [pod], roles: Self.roles)
                let isOver =
                    ["Failed", "Succeeded"].contains(pod.status.phase)
                    || pod.status.container("main")?.state?.terminated != nil
                if case .ended = sighting {
                    #expect(isOver, "\(pod.metadata.name) of \(version)")
                } else {
                    #expect(!isOver, "\(pod.metadata.name) of \(version)")
                }
            }
        }
    }

    // MARK: Shapes that no recording has

    func pod(_ json: String) throws -> Pod {
        try JSONDecoder()
            .decode(
                Pod.self,
                from: Data(
                    #"{"metadata":{"name":"p","uid":"u"},"spec":{"nodeName":"n"},"status":\#(json)}"#
                        .utf8
                )
            )
    }

    func sighting(
        _ json: String,
        _ roles: PodRoles = .split
    ) throws -> TrySighting {
        TrySighting(job: nil, pods: [try pod(json)], roles: roles)
    }

    @Test func anInitContainersExitStatusIsTheWorkers() throws {
        let seen = try sighting(
            """
            {"phase":"Failed","initContainerStatuses":[{"name":"fetch","state":{"terminated":
             {"exitCode":65,"reason":"Error"}}}],"containerStatuses":[{"name":"tool","state":
             {"waiting":{"reason":"PodInitializing"}}},{"name":"push","state":{"waiting":
             {"reason":"PodInitializing"}}}]}
            """
        )
        #expect(seen == .ended(.exited(65)))
    }

    @Test func pushDecidesAndNotTheTool() throws {
        let running = try sighting(
            """
            {"phase":"Running","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":0,"startedAt":"a","finishedAt":"b"}}},{"name":"push","state":
             {"running":{}}}]}
            """
        )
        #expect(running == .running(node: "n"))
        let ended = try sighting(
            """
            {"phase":"Running","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":1}}},{"name":"push","state":{"terminated":{"exitCode":66}}}]}
            """
        )
        #expect(ended == .ended(.exited(66)))
    }

    @Test("a tool's container that the kernel killed is want of memory, though push says 75")
    func outOfMemoryInSplit() throws {
        let seen = try sighting(
            """
            {"phase":"Failed","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":137,"reason":"OOMKilled"}}},{"name":"push","state":{"terminated":
             {"exitCode":75}}}]}
            """
        )
        guard case .ended(.outOfMemory) = seen else {
            Issue.record("\(seen)")
            return
        }
    }

    @Test(
        "a worker that says itself why it left no word for push is believed",
        arguments: [(74, 74), (70, 70), (75, 75), (0, 75), (1, 75), (137, 75)]
    )
    func theToolsWorkersOwnVerdict(tool: Int, judged: Int32) throws {
        let seen = try sighting(
            """
            {"phase":"Failed","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":\(tool),"reason":"Error"}}},{"name":"push","state":{"terminated":
             {"exitCode":75}}}]}
            """
        )
        #expect(seen == .ended(.exited(judged)))
        let stored = try sighting(
            """
            {"phase":"Failed","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":\(tool),"reason":"Error"}}},{"name":"push","state":{"terminated":
             {"exitCode":0}}}]}
            """
        )
        #expect(stored == .ended(.exited(0)))
    }

    @Test func aProgramThatCannotBeStartedEndsAPodThatWouldWaitForEver() throws {
        let seen = try sighting(
            """
            {"phase":"Running","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":128,"reason":"StartError","message":"exec format error"}}},
             {"name":"push","state":{"running":{}}}]}
            """
        )
        guard case .stuck(.impossible(let why), 0) = seen else {
            Issue.record("\(seen)")
            return
        }
        #expect(why.contains("exec format error"))
    }

    @Test func aToolKilledAtItsBeginningIsNotWaitedForLong() throws {
        let seen = try sighting(
            """
            {"phase":"Running","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":137,"reason":"OOMKilled","startedAt":"2026-11-21T12:00:00Z",
             "finishedAt":"2026-11-21T12:00:00Z"}}},{"name":"push","state":{"running":{}}}]}
            """
        )
        guard case .stuck(.outOfMemory, 60) = seen else {
            Issue.record("\(seen)")
            return
        }
    }

    @Test(
        "a tool's container that dies before it can say that it began hangs no pod, whatever the clock says",
        arguments: [
            (137, "2026-11-21T12:00:01Z", TryVerdict.Kind.disruption),
            (139, "2026-11-21T12:00:01Z", .disruption), (70, "2026-11-21T12:00:00Z", .permanent),
            (64, "2026-11-21T12:00:09Z", .permanent), (74, "2026-11-21T12:00:09Z", .retry),
            (1, "2026-11-21T12:00:00Z", .disruption),
        ]
    )
    func stillborn(code: Int, finished: String, verdict: TryVerdict.Kind) throws {
        let status = """
            {"phase":"Running","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":\(code),"reason":"Error","startedAt":"2026-11-21T12:00:00Z",
             "finishedAt":"\(finished)"}}},{"name":"push","state":{"running":{}}}]}
            """
        guard case .stuck(let end, 60) = try sighting(status) else {
            Issue.record("not stuck")
            return
        }
        #expect(TryVerdict(end).kind == verdict, "\(end)")
        // It has said that it is at work: then it takes the time that it takes.
        let pod = try pod(status)
        let storing = TrySighting(
            job: nil,
            pods: [pod],
            roles: .split,
            storing: [pod.metadata.name]
        )
        #expect(storing == .running(node: "n"))
        let other = TrySighting(job: nil, pods: [pod], roles: .split, storing: ["another"])
        #expect(other == .stuck(end, seconds: 60))
    }

    @Test("a node that is low, a limit of its own: two evictions, two verdicts")
    func evictions() throws {
        let node = try sighting(
            #"{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: ephemeral-storage."}"#
        )
        guard case .ended(.killed) = node else {
            Issue.record("\(node)")
            return
        }
        for own in [
            "Usage of EmptyDir volume \\\"work\\\" exceeds the limit \\\"10Mi\\\". ",
            "Container tool exceeded its local ephemeral storage limit \\\"16Mi\\\". ",
            "Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. ",
        ] {
            let seen = try sighting(
                #"{"phase":"Failed","reason":"Evicted","message":"\#(own)"}"#
            )
            guard case .ended(.impossible(let why)) = seen else {
                Issue.record("\(seen)")
                return
            }
            #expect(why.contains("Mi"))
        }
    }

    @Test(
        "a kubelet that refuses the pod, and every other reason, is a disruption",
        arguments: [
            "OutOfcpu", "OutOfmemory", "NodeShutdown", "Shutdown", "Terminated", "NodeLost",
            "Preempting", "UnexpectedAdmissionError", "NodeAffinity", "SomethingNew",
        ]
    )
    func refusals(reason: String) throws {
        let seen = try sighting(#"{"phase":"Failed","reason":"\#(reason)","message":"why"}"#)
        guard case .ended(.killed(let how)) = seen else {
            Issue.record("\(seen)")
            return
        }
        #expect(how.contains(reason))
    }

    @Test func theDeadlineOfThePodIsWalltime() throws {
        let seen = try sighting(
            #"{"phase":"Failed","reason":"DeadlineExceeded","message":"Pod was active …"}"#
        )
        guard case .ended(.walltime) = seen else {
            Issue.record("\(seen)")
            return
        }
    }

    @Test func anEmptyStatusOrAnUnknownPhaseIsNothingToActOn() throws {
        #expect(try sighting("{}") == .unknown)
        #expect(try sighting(#"{"phase":"Unknown"}"#) == .unknown)
        #expect(TrySighting(job: nil, pods: [], roles: .split) == .unknown)
        let job = try JSONDecoder()
            .decode(Job.self, from: Data(#"{"metadata":{"name":"j"},"status":{}}"#.utf8))
        guard case .waiting(let wait) = TrySighting(job: job, pods: [], roles: .split) else {
            Issue.record("a Job without a pod waits for one")
            return
        }
        #expect(wait.kind == .control)
        #expect(wait.text.contains("Job j has no pod"))
    }

    @Test("a store that a drained node no longer reached says nothing about the run")
    func disturbedWorker() throws {
        let seen = TrySighting(
            job: nil,
            pods: [
                try pod(
                    """
                    {"phase":"Failed","conditions":[{"type":"DisruptionTarget","status":"True",
                     "reason":"PreemptionByScheduler","message":"m"}],"containerStatuses":[
                     {"name":"push","state":{"terminated":{"exitCode":66}}}]}
                    """
                )
            ],
            roles: .split
        )
        guard case .ended(.killed(let how)) = seen else {
            Issue.record("\(seen)")
            return
        }
        #expect(how.contains("PreemptionByScheduler"))
    }
}
