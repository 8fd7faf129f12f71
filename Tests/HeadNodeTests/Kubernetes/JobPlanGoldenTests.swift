// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Kubernetes
import TestSupport
import Testing

@testable import HeadNode

/// The Jobs as they are sent, in both shapes, with nothing configured and with everything.
///
/// `RECORD=1` writes them anew and fails, so that nobody takes the writing for a test.
/// Tests/Tools/check-manifests holds the same files against Kubernetes' own schemas.
@Suite struct JobPlanGoldenTests {
    private static let folder =
        String(#filePath.dropLast("JobPlanGoldenTests.swift".count)) + "Golden/"

    @Test(arguments: ["split", "single"]) func nothingIsConfigured(_ shape: String) throws {
        let settings = try PlanSample.settings("shape: \(shape)")
        try check(PlanSample.plan(PlanSample.order(), settings), "\(shape)-minimal.json")
    }

    @Test(arguments: ["split", "single"]) func everythingIsConfigured(_ shape: String) throws {
        let settings = try PlanSample.settings("shape: \(shape)\n" + PlanSample.everything)
        let order = try PlanSample.order(walltime: 3600, number: 12)
        try check(PlanSample.plan(order, settings), "\(shape)-everything.json")
    }

    @Test func theVolumeIsInMemory() throws {
        let settings = try PlanSample.settings(
            "volume_medium: memory\nrequests_memory: 1Gi\nlimits_memory: 2Gi\noutput_allowance: 1Gi"
        )
        try check(PlanSample.plan(PlanSample.order(), settings), "split-memory.json")
    }

    @Test func theNodeHasACache() throws {
        let settings = try PlanSample.caching("cache: {path: /var/cache/galaxy, size: 200Gi}")
        try check(PlanSample.plan(PlanSample.order(), settings), "split-cache.json")
    }

    private func check(_ plan: JobPlan, _ name: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        let pretty = Array(try encoder.encode(plan.job)) + [UInt8(ascii: "\n")]
        #expect(try JSONTree(bytes: pretty) == JSONTree(bytes: plan.manifest), "the same is sent")
        if ProcessInfo.processInfo.environment["RECORD"] != nil {
            try ChildProcess.write(pretty, to: Self.folder + name)
            Issue.record("\(name) was recorded")
            return
        }
        let golden = try ChildProcess.contents(of: Self.folder + name)
        #expect(String(decoding: pretty, as: UTF8.self) == String(decoding: golden, as: UTF8.self))
    }
}
