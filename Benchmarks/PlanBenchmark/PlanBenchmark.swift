// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Names
import S3Client
import Staging
import TestSupport

/// `PlanBenchmark DESCRIPTION JOBS keep|drop`: what a head does of a job before it is submitted, again
/// and again, with the store in memory: survey, plan, pack, records, spec.
///
/// It says nothing: what it costs is seen from outside. With `keep` the plans and specs of all jobs are
/// held to the end, as if all were in flight.
@main
struct PlanBenchmark {
    private let store = InMemoryObjectStore()
    private let description: JobDescription
    private let layout: JobLayout

    static func main() async throws {
        let words = CommandLine.arguments
        guard words.count == 4, let jobs = Int(words[2]) else { throw Usage() }
        let bytes = Array(try Data(contentsOf: URL(filePath: words[1])))
        let benchmark = PlanBenchmark(
            description: try ContractCoding.decode(
                JobDescription.self,
                from: bytes,
                name: "job description"
            ),
            layout: JobLayout(
                prefix: try KeyPrefix("bench"),
                instance: try InstanceName("bench")
            )
        )
        var inFlight: [(StagePlan, [UInt8])] = []
        for _ in 0..<jobs {
            let planned = try await benchmark.job()
            if words[3] == "keep" { inFlight.append(planned) }
        }
        withExtendedLifetime(inFlight) {}
    }

    private struct Usage: Error {}

    private init(
        description: JobDescription,
        layout: JobLayout
    ) {
        self.description = description
        self.layout = layout
    }

    /// One run of the job: what it planned, and its spec.
    private func job() async throws -> (StagePlan, [UInt8]) {
        guard let id = GalaxyJobID(description.galaxyID) else { throw Usage() }
        let run = RunID(drawnFor: id)
        let policy = StagingPolicy()
        try description.validate()
        let plan = try StagePlan(try JobSurvey(description), packBelow: policy.packBelow)
        let stage = StageRun(
            store: store,
            layout: layout,
            run: run,
            transfers: 16,
            meter: PhaseMeter("stage"),
            uploads: .ofThisProcess
        )
        let staged = try await stage(plan)
        let spec = SpecPlan.spec(
            description,
            run: run,
            layout: layout,
            plan: plan,
            staged: staged,
            policy: policy
        )
        let bytes = try ContractCoding.encode(spec)
        let key = layout.spec(run)
        _ = try await DocumentStore(store).put(bytes, at: key, condition: .absent)
        // The store's bytes are not the head's: what belongs to this run alone goes again.
        try await store.delete([key] + staged.packs.map(\.key))
        return (plan, bytes)
    }
}
