// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import TestSupport

/// A lab whose tries are Jobs of a fake API server (Tests/Tools/fake_kubernetes), which does as it is
/// told. No tool runs in its pods, unless that is asked for: they put into the bucket what a worker would.
struct FakeCluster {
    let lab: Lab
    private let url: String
    private let kubeconfig: String

    /// One request, as the fake has seen it.
    struct Request: Decodable {
        var verb: String
        var resource: String
        var target: String
        /// Seconds since 1970.
        var at: Double
    }

    /// How much there is.
    struct Counts: Decodable {
        var jobs: Int
        /// By phase.
        var pods: [String: Int]
    }

    private struct Log: Decodable { var requests: [Request] }

    /// Gives `body` a cluster, and ends it afterwards.
    static func run(
        _ options: [String] = [],
        _ body: (FakeCluster) async throws -> Void
    ) async throws {
        try await Lab.run { try await run(in: $0, ["--work"] + options, body) }
    }

    /// The same, whose pods are real workers and tools.
    static func runWithWorkers(
        in lab: Lab,
        _ options: [String] = [],
        _ body: (FakeCluster) async throws -> Void
    ) async throws {
        let pods = ["--containers", "\(lab.folder)/state/pods", "--worker", lab.programs.worker]
        try await run(in: lab, pods + options, body)
    }

    private static func run(
        in lab: Lab,
        _ options: [String],
        _ body: (FakeCluster) async throws -> Void
    ) async throws {
        let tools =
            #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Tools"
        let kubeconfig = lab.folder + "/kubeconfig"
        let words = ["\(tools)/fake_kubernetes", "--kubeconfig", kubeconfig]
        let fake = try RunningProgram(
            ["/usr/bin/python3"] + words + options,
            environment: lab.environment,
            streams: "\(lab.folder)/streams/fake"
        )
        defer { fake.send(SIGKILL) }
        try await Patience.long.wait("the fake API server") {
            fake.output.hasSuffix("\n") || fake.hasEnded
        }
        let url = fake.output.split(separator: "\n").first.map(String.init) ?? ""
        try await body(FakeCluster(lab: lab, url: url, kubeconfig: kubeconfig))
    }

    /// A job whose image nobody looks at.
    func job(id: String = "1") throws -> GalaxyJob {
        try GalaxyJob(id: id, folder: lab.folder, tool: "true", image: "localhost/none:1")
    }

    /// What tells the head to run tries here.
    var options: [String] {
        let values = [
            "executor=kubernetes", "s3.allow_http=true", "kubernetes.k8s_config_path=\(kubeconfig)",
            "kubernetes.k8s_namespace=galaxy", "kubernetes.output_allowance=256Mi",
            "kubernetes.worker_image=localhost/none@sha256:\(String(repeating: "0", count: 64))",
        ]
        return values.flatMap { ["--set", $0] }
    }

    /// Starts `run` on the job.
    func start(_ job: GalaxyJob) throws -> RunningProgram {
        try lab.start("run", job, ["--json"] + options)
    }

    /// Runs the job to its end and reads what is said.
    func run(
        _ job: GalaxyJob,
        patience: Patience = .long
    ) async throws -> (status: Int32, answer: RunAnswer) {
        try await lab.run(job, options, patience: patience)
    }

    // MARK: What the fake is told

    /// What goes wrong with requests (`faults.py`), in JSON.
    func rules(_ json: String) throws { try tell("PUT", "/_rules", json) }

    /// How pods fare (`cluster.py`), in JSON.
    func plays(_ json: String) throws { try tell("PUT", "/_plays", json) }

    /// Pods that run go on until `release`.
    func hold() throws { try tell("POST", "/_hold") }

    func release() throws { try tell("POST", "/_release") }

    /// Resets all connections, and refuses new ones for a while.
    func close(seconds: Int) throws { try tell("POST", "/_close?seconds=\(seconds)") }

    /// Deletes every pod there is.
    func deletePods() throws {
        struct List: Decodable {
            struct Item: Decodable { var metadata: Metadata }
            struct Metadata: Decodable { var name: String }
            var items: [Item]
        }
        let path = "/api/v1/namespaces/galaxy/pods"
        let text = try tell("GET", path)
        for pod in try JSONDecoder().decode(List.self, from: Data(text.utf8)).items {
            try tell("DELETE", "\(path)/\(pod.metadata.name)", "{}")
        }
    }

    /// Deletes the Job of a run's first try.
    func deleteJob(of job: GalaxyJob) throws {
        let names = try Shell.run(
            "grep -oE '\(job.id)-[0-9a-f]{16}' \(job.directory)/galaxy_s3/run.json"
        )
        let run = names.prefix { $0 != "\n" }
        try tell("DELETE", "/apis/batch/v1/namespaces/galaxy/jobs/gxy-lab-\(run)-1", "{}")
    }

    /// Anything else that an API server takes.
    @discardableResult
    func tell(
        _ method: String,
        _ path: String,
        _ body: String = ""
    ) throws -> String {
        // Where the fake is away for a while, whoever tells it waits.
        let patience = "--retry 30 --retry-connrefused --retry-delay 1"
        return try Shell.run(
            "curl -sS --fail-with-body \(patience) -X \(method) '\(url)\(path)' -d '\(body)'"
        )
    }

    // MARK: What the fake has seen

    func requests(_ verb: String) throws -> [Request] {
        let text = try tell("GET", "/_log")
        return try JSONDecoder().decode(Log.self, from: Data(text.utf8)).requests
            .filter { $0.verb == verb }
    }

    func counts() throws -> Counts {
        try JSONDecoder().decode(Counts.self, from: Data(tell("GET", "/_counts").utf8))
    }

    /// Waits until a pod is in this phase.
    func waitForPod(_ phase: String) async throws {
        try await Patience.long.wait("a pod that is \(phase)") { try counts().pods[phase] ?? 0 > 0 }
    }
}
