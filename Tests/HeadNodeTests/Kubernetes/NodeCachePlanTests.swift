// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

/// What a node keeps for many jobs is within reach of `fetch` alone.
@Suite struct NodeCachePlanTests {
    private func pod(_ settings: KubernetesSettings) throws -> JSONTree {
        let plan = try PlanSample.plan(PlanSample.order(), settings)
        return try #require(try JSONTree(bytes: plan.manifest)["spec", "template", "spec"])
    }

    /// Which containers mount the volume, and what they are told of it.
    private func users(_ pod: JSONTree) -> [JSONTree?] {
        let containers = (pod["initContainers"]?.list ?? []) + (pod["containers"]?.list ?? [])
        return
            containers.filter { container in
                let mounts = container["volumeMounts"]?.list ?? []
                let words = container["args"]?.list ?? []
                return mounts.contains { $0["name"] == .text("cache") }
                    || words.contains(.text("--cache"))
            }
            .map { $0["name"] }
    }

    @Test(arguments: [
        ("cache: {path: /var/cache/galaxy}", ""), ("", "cache_claim: shared-cache"),
    ])
    func onlyFetchSeesIt(_ lines: String, _ more: String) throws {
        let everything = PlanSample.everything + "\n" + more
        #expect(users(try pod(PlanSample.caching(lines, more))) == [.text("fetch")])
        #expect(users(try pod(PlanSample.caching(lines, everything))) == [.text("fetch")])
        #expect(users(try pod(PlanSample.caching("", ""))) == [])
    }

    /// Without a directory of the node's, the profile "restricted" holds.
    @Test func aClaimIsWithinTheRestrictedProfile() throws {
        func violations(_ settings: KubernetesSettings) throws -> [String] {
            let plan = try PlanSample.plan(PlanSample.order(), settings)
            let template = try #require(try JSONTree(bytes: plan.manifest)["spec", "template"])
            return RestrictedProfile.violations(template)
        }
        #expect(try violations(PlanSample.caching("", "cache_claim: shared-cache")) == [])
        let directory = try PlanSample.caching("cache: {path: /var/cache/galaxy}")
        #expect(try violations(directory) == ["volume hostPath"])
    }
}
