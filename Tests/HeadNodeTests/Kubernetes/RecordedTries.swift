// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Kubernetes
import Testing

/// What real API servers sent of Jobs and pods, in order: Tests/KubernetesTests/Recordings.
struct RecordedTries {
    static let versions = ["k8s-1.20.2", "k8s-1.36.2"]

    private struct Line<Resource: ClusterResource>: Decodable {
        var type: String
        var object: Resource
    }

    let pods: [(type: String, pod: Pod)]
    let jobs: [(type: String, job: Job)]

    init(_ version: String) throws {
        let folder = String(
            #filePath.dropLast("HeadNodeTests/Kubernetes/RecordedTries.swift".count)
        )
        let recordings = "\(folder)KubernetesTests/Recordings/\(version)"
        pods = try Self.lines("\(recordings)/watch-pods.jsonl").map { ($0.type, $0.object) }
        jobs = try Self.lines("\(recordings)/watch-jobs.jsonl").map { ($0.type, $0.object) }
    }

    private static func lines<Resource>(_ path: String) throws -> [Line<Resource>] {
        let bytes = try Data(contentsOf: URL(filePath: path))
        return try bytes.split(separator: UInt8(ascii: "\n"))
            .map {
                try JSONDecoder().decode(Line<Resource>.self, from: Data($0))
            }
    }

    /// The names of all Jobs.
    var names: [String] { Set(jobs.map(\.job.metadata.name)).sorted() }

    /// What was seen of one Job after each event of its pods; the Job's own events come before
    /// (`jobFirst`) or after its pods'.
    func sightings(
        of name: String,
        jobFirst: Bool,
        _ read: (Job?, [Pod]) -> Void
    ) {
        var job: Job?
        var current: [String: Pod] = [:]
        func playJobs() {
            for (type, next) in jobs where next.metadata.name == name {
                job = type == "DELETED" ? nil : next
                if !jobFirst { read(job, Array(current.values)) }
            }
        }
        // A Job's first event comes before any of its pods'; the rest may be late.
        job = jobs.first { $0.job.metadata.name == name }?.job
        if jobFirst { playJobs() }
        for (type, pod) in pods where pod.metadata.labels["job-name"] == name {
            current[pod.metadata.name] = type == "DELETED" ? nil : pod
            read(job, Array(current.values))
        }
        if !jobFirst { playJobs() }
    }
}
