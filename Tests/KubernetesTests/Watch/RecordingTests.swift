// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// What real servers sent is read, every event of it, in its order.
@Suite struct RecordingTests {
    /// As much of an event as says which it is, read without our model.
    private struct Outline: Decodable {
        let type: String
        let object: Object

        struct Object: Decodable { let metadata: Metadata }

        struct Metadata: Decodable {
            let name: String
            let resourceVersion: String
        }

        var words: String {
            "\(type == "DELETED" ? "deleted" : "changed") \(object.metadata.name)@\(object.metadata.resourceVersion)"
        }
    }

    @Test(arguments: Recording.versions)
    func `Jobs`(version: String) async throws { try await replay(Job.self, version, "watch-jobs") }

    @Test(arguments: Recording.versions)
    func `Pods`(version: String) async throws { try await replay(Pod.self, version, "watch-pods") }

    private func replay<Resource: ClusterResource>(
        _ type: Resource.Type,
        _ version: String,
        _ name: String
    ) async throws {
        let bytes = try Recording.bytes(version, name + ".jsonl")
        let expected = try Recording.lines(version, name + ".jsonl")
            .map { try JSONDecoder().decode(Outline.self, from: Data($0)).words }
        let cluster = StubCluster { seen in
            seen.request.url.contains("watch=true")
                ? .answer(status: 200, body: bytes) : .json(Objects.list([], version: 1))
        }
        let watch = ResourceWatch<Resource>(try cluster.client(), selector: .everything)
        let told = await WatchLog.first(expected.count + 1, of: watch)
        #expect(told == ["listed "] + expected)
        #expect(expected.count > 30)
    }

    @Test(arguments: Recording.versions)
    func `Events`(version: String) throws {
        let lines = try Recording.lines(version, "events.jsonl")
        for line in lines {
            let event = try JSONDecoder().decode(ClusterEvent.self, from: Data(line))
            #expect(event.reason != nil && event.type != nil && event.message != nil)
            #expect(event.lastTimestamp ?? event.eventTime != nil)
        }
        #expect(lines.count > 80)
    }

    /// F28: what the model makes of the awkward shapes of each version.
    @Test(arguments: Recording.versions)
    func `How each Job ended can be seen`(version: String) throws {
        var last: [String: Job] = [:]
        for line in try Recording.lines(version, "watch-jobs.jsonl") {
            switch try WatchLine<Job>(line) {
            case .changed(let job), .deleted(let job): last[job.metadata.name] = job
            default: Issue.record("neither changed nor deleted")
            }
        }
        #expect(last["success"]?.status.condition("Complete")?.isTrue == true)
        #expect(last["oom"]?.status.condition("Failed")?.isTrue == true)
        #expect(last["deadline"]?.status.condition("Failed")?.reason == "DeadlineExceeded")
        #expect(last["unschedulable"]?.status.condition("Complete") == nil)
    }
}
