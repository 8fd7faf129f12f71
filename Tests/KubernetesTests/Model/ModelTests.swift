// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Kubernetes
import Testing

@Suite struct ModelTests {
    @Test("An object with nothing but a name is read, because servers leave out what is empty")
    func sparse() throws {
        let job = try JSONDecoder().decode(Job.self, from: Data(#"{"metadata":{"name":"x"}}"#.utf8))
        #expect(job.metadata.name == "x")
        #expect(job.status == JobStatus())
        let pod = try JSONDecoder()
            .decode(
                Pod.self,
                from: Data(#"{"metadata":{},"status":{"phase":"Failed","reason":"Evicted"}}"#.utf8)
            )
        #expect(pod.status.containerStatuses.isEmpty)
        #expect(pod.status.container("tool") == nil)
    }
}
