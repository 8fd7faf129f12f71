// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Kubernetes
import Testing

@testable import HeadNode

struct WaitCausesTests {
    private func obstacle(_ events: (reason: String, message: String)...) throws -> PodWait? {
        let events = try events.map { event in
            let text = """
                {"metadata": {"name": "e"}, "reason": "\(event.reason)",
                 "message": "\(event.message)"}
                """
            return try JSONDecoder().decode(ClusterEvent.self, from: Data(text.utf8))
        }
        return WaitCauses.obstacle(in: events, of: "Job j")
    }

    @Test func aPodThatAPolicyForbidsIsAContainerThatCannotBeMade() throws {
        let wait = try #require(
            try obstacle(("FailedCreate", "pods \\\"j-x\\\" is forbidden: violates PodSecurity"))
        )
        #expect(wait.kind == .container)
        #expect(wait.text.contains("Job j: FailedCreate"), "\(wait.text)")
        #expect(wait.text.contains("violates PodSecurity"), "\(wait.text)")
    }

    @Test func aPodThatAQuotaHasNoRoomForWaitsAsForANode() throws {
        let wait = try #require(try obstacle(("FailedCreate", "forbidden: exceeded quota: small")))
        #expect(wait.kind == .schedule)
    }

    @Test func onlyTheLastWordCounts() throws {
        #expect(try obstacle(("FailedMount", "no secret"), ("Pulled", "image")) == nil)
        #expect(try obstacle() == nil)
    }

    @Test(
        "a mount that failed before the fetch began is over, and no request is made about it",
        arguments: ["running", "terminated"]
    )
    func aPodThatHasBegun(state: String) throws {
        func seen(_ state: String) throws -> ClusterView.Seen {
            let text = """
                {"metadata":{"name":"p","uid":"u"},"spec":{"nodeName":"n"},"status":
                 {"phase":"Pending","initContainerStatuses":[{"name":"fetch","state":\(state)}]}}
                """
            let pod = try JSONDecoder().decode(Pod.self, from: Data(text.utf8))
            return ClusterView.Seen(pods: [pod])
        }
        #expect(WaitCauses.subject(of: try seen(#"{"waiting":{}}"#))?.name == "pod p")
        let begun = try seen(#"{"\#(state)":{"exitCode":0}}"#)
        #expect(WaitCauses.subject(of: begun) == nil)
    }
}
