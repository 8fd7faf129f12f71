// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Kubernetes
import Testing

@testable import HeadNode

extension TrySightingTests {
    // MARK: Nodes out of reach

    private func deleted(
        _ status: String = Self.running,
        grace: String = #","deletionGracePeriodSeconds":45"#
    ) throws -> Pod {
        let text = """
            {"metadata":{"name":"p","uid":"u","creationTimestamp":"2026-11-21T12:00:00Z",
             "deletionTimestamp":"2026-11-21T12:30:00Z"\(grace)},"spec":{"nodeName":"n"},
             "status":\(status)}
            """
        return try JSONDecoder().decode(Pod.self, from: Data(text.utf8))
    }

    private static let running = """
        {"phase":"Running","containerStatuses":[{"name":"tool","state":{"running":{}}},
         {"name":"push","state":{"running":{}}}]}
        """

    @Test("a deleted pod that does not end is given up a minute after its grace, in any phase")
    func lostNode() throws {
        let fetching = """
            {"phase":"Pending","initContainerStatuses":[{"name":"fetch","state":{"running":{}}}]}
            """
        let pulling = """
            {"phase":"Pending","containerStatuses":[{"name":"tool","state":{"waiting":
             {"reason":"ImagePullBackOff"}}}]}
            """
        for status in [Self.running, fetching, pulling, "{}"] {
            let seen = TrySighting(job: nil, pods: [try deleted(status)], roles: .split)
            guard case .stuck(.killed(let how), 105) = seen else {
                Issue.record("\(seen)")
                continue
            }
            #expect(how.contains("node n"))
        }
        let noGrace = TrySighting(job: nil, pods: [try deleted(grace: "")], roles: .split)
        guard case .stuck(.killed, 60) = noGrace else {
            Issue.record("\(noGrace)")
            return
        }
    }

    @Test func aDeletedPodThatDoesEndSaysHow() throws {
        let ended = try deleted(
            """
            {"phase":"Running","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":1}}},{"name":"push","state":{"terminated":{"exitCode":0}}}]}
            """
        )
        #expect(TrySighting(job: nil, pods: [ended], roles: .split) == .ended(.exited(0)))
    }

    @Test("a controller of 1.20 replaces a deleted pod, and the newer one counts")
    func replacedPod() throws {
        let text = """
            {"metadata":{"name":"new","uid":"v","creationTimestamp":"2026-11-21T12:40:00Z"},
             "spec":{"nodeName":"m"},"status":\(Self.running)}
            """
        let new = try JSONDecoder().decode(Pod.self, from: Data(text.utf8))
        let seen = TrySighting(job: nil, pods: [new, try deleted()], roles: .split)
        #expect(seen == .running(node: "m"))
    }

    // MARK: Want of memory

    @Test("a process of the tool's that the kernel killed is not why a pod was evicted")
    func evictedAfterAKilledChild() throws {
        let seen = try sighting(
            """
            {"phase":"Failed","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":0,"reason":"OOMKilled"}}},{"name":"push","state":{"terminated":
             {"exitCode":75}}}]}
            """
        )
        #expect(seen == .ended(.exited(75)))
    }

    @Test(
        "where one container is tool and worker, what the worker says itself wins",
        arguments: [Int32(65), 66, 69, 74, 75, 77]
    )
    func ownVerdictInSingle(status: Int32) throws {
        let seen = try sighting(
            """
            {"phase":"Failed","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":\(status),"reason":"OOMKilled"}}}]}
            """,
            .single
        )
        #expect(seen == .ended(.exited(status)))
    }

    @Test func aWorkerThatTheKernelKilledInSingleIsTheToolsWantOfMemory() throws {
        let seen = try sighting(
            """
            {"phase":"Failed","containerStatuses":[{"name":"tool","state":{"terminated":
             {"exitCode":137,"reason":"OOMKilled"}}}]}
            """,
            .single
        )
        guard case .ended(.outOfMemory) = seen else {
            Issue.record("\(seen)")
            return
        }
    }

    @Test("what the runtime said of an image is told apart from the pause after it")
    func imageCauses() throws {
        func wait(_ reason: String) throws -> PodWait? {
            let seen = try sighting(
                """
                {"phase":"Pending","containerStatuses":[{"name":"tool","state":{"waiting":
                 {"reason":"\(reason)","message":"m"}}}]}
                """
            )
            guard case .waiting(let wait) = seen else { return nil }
            return wait
        }
        #expect(try wait("ErrImagePull")?.cause == "ErrImagePull: m")
        #expect(try wait("ImagePullBackOff")?.cause == nil)
        #expect(try wait("ImagePullBackOff")?.kind == .image)
    }

    @Test func aSuspendedJobSaysSo() throws {
        let text = """
            {"metadata":{"name":"j"},"status":{"conditions":[{"type":"Suspended","status":"True",
             "reason":"JobSuspended","message":"Job suspended"}]}}
            """
        let job = try JSONDecoder().decode(Job.self, from: Data(text.utf8))
        guard case .waiting(let wait) = TrySighting(job: job, pods: [], roles: .split) else {
            Issue.record("a suspended Job waits")
            return
        }
        #expect(wait.kind == .schedule)
        #expect(wait.text.contains("Job j is suspended"), "\(wait.text)")
    }

    @Test(
        "a worker without memory is no disruption, and names the key",
        arguments: ["fetch", "push"]
    )
    func starvedWorker(container: String) throws {
        let list = container == "fetch" ? "initContainerStatuses" : "containerStatuses"
        let seen = try sighting(
            """
            {"phase":"Failed","\(list)":[{"name":"\(container)","state":{"terminated":
             {"exitCode":137,"reason":"OOMKilled"}}}]}
            """
        )
        guard case .ended(.starved(let why)) = seen else {
            Issue.record("\(seen)")
            return
        }
        #expect(why.contains("kubernetes.worker_limits_memory"))
        #expect(why.contains(container))
        #expect(TryVerdict(.starved(why)) == .retryOnce(why))
    }
}
