// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import TestSupport

/// The real cluster that `Scripts/cluster up` has brought up, from what `Scripts/cluster env` and
/// the images' names say in the environment.
struct TestCluster: Sendable {
    /// An administrator's, for what tests do to the cluster.
    let adminConfig: String
    /// The head's own: exactly config/kubernetes/role.yaml.
    let headConfig: String
    let namespace: String
    /// The cluster's own folder on this machine.
    let state: String
    let workerImage: String
    /// The Secret with the bucket's keys.
    let secret: String

    static var isOff: Bool { getenv("GALAXY_S3_CLUSTER_STATE") == nil }

    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    init() throws {
        adminConfig = try Self.text("KUBECONFIG")
        headConfig = try Self.text("GALAXY_S3_CLUSTER_KUBECONFIG")
        namespace = try Self.text("GALAXY_S3_CLUSTER_NAMESPACE")
        state = try Self.text("GALAXY_S3_CLUSTER_STATE")
        workerImage = try Self.text("GALAXY_S3_TEST_WORKER_IMAGE")
        secret = try Self.text("GALAXY_S3_TEST_SECRET")
    }

    private static func text(_ name: String) throws -> String {
        guard let value = getenv(name) else {
            throw Missing(description: "\(name) is not set; see Scripts/cluster env")
        }
        return String(cString: value)
    }

    /// Runs kubectl as the administrator.
    @discardableResult
    func kubectl(_ words: String) throws -> String {
        try Shell.run("kubectl --kubeconfig '\(adminConfig)' --namespace \(namespace) \(words)")
    }

    /// The address of this machine that pods reach.
    var host: String { get throws { try Self.text("GALAXY_S3_CLUSTER_HOST") } }

    /// Stops, starts or restarts one of the cluster's programs.
    func component(
        _ action: String,
        _ name: String
    ) throws {
        let repository = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
        try Shell.run(
            "\(repository)/Scripts/cluster --state '\(state)' component \(action) \(name)"
        )
    }

    /// What tells the head to run tries here.
    ///
    /// - Parameter instance: the test's own, so that its head sees its own Jobs alone.
    func options(
        instance: String,
        shape: String = "split",
        _ more: [String] = []
    ) -> [String] {
        let values = [
            "instance=\(instance)", "executor=kubernetes", "s3.allow_http=true",
            "kubernetes.k8s_config_path=\(headConfig)", "kubernetes.k8s_namespace=\(namespace)",
            "kubernetes.worker_image=\(workerImage)", "kubernetes.credentials_secret=\(secret)",
            "kubernetes.shape=\(shape)", "kubernetes.output_allowance=256Mi",
            "kubernetes.requests_cpu=10m", "kubernetes.worker_requests_cpu=10m",
            "limits.grace=5s",
        ]
        return (values + more).flatMap { ["--set", $0] }
    }
}

/// A lab whose tries are Jobs of the cluster.
struct ClusterLab {
    let lab: Lab
    let cluster: TestCluster
    let instance: String

    private static let serial = Counter()

    /// Gives `body` a lab, and removes its Jobs afterwards.
    ///
    /// - Parameter server: a bucket that pods reach too; nil for the one that all tests share.
    static func run(
        on server: TestServer? = nil,
        _ body: (ClusterLab) async throws -> Void
    ) async throws {
        let cluster = try TestCluster()
        let bucket: TestServer
        if let server { bucket = server } else { bucket = try await .running(.seaweed) }
        try await Lab.run(on: bucket) { lab in
            let own = ClusterLab(
                lab: lab,
                cluster: cluster,
                instance: "t\(getpid())-\(serial.next())"
            )
            defer {
                _ = try? cluster.kubectl(
                    "delete jobs -l galaxy-s3-executor/instance=\(own.instance) --wait=false"
                )
            }
            try await body(own)
        }
    }

    /// A job whose tool runs in an image of Debian's programs.
    func job(
        _ tool: String,
        id: String = "1",
        image: String = "localhost/glibc:1",
        shell: String = "/bin/bash"
    ) throws -> GalaxyJob {
        try GalaxyJob(id: id, folder: lab.folder, tool: tool, image: image, shell: shell)
    }

    /// A job whose tool waits to be let go.
    func gatedJob(_ rest: String = "") throws -> GalaxyJob {
        let tool = """
            echo waiting; touch "$TMPDIR/runs"
            while [ ! -e "$TMPDIR/go" ]; do sleep 0.05; done
            cat "$TMPDIR/go" > "$OUT"; cp "$IN1" copy
            \(rest)
            """
        return try job(tool)
    }

    /// Runs the job to its end and reads what is said.
    func run(
        _ job: GalaxyJob,
        shape: String = "split",
        more: [String] = [],
        patience: Patience = .long
    ) async throws -> (status: Int32, answer: RunAnswer) {
        let options = cluster.options(instance: instance, shape: shape, more)
        return try await lab.run(job, options, patience: patience)
    }

    /// Starts a verb of the head node on the job.
    func start(
        _ verb: String,
        _ job: GalaxyJob,
        shape: String = "split",
        more: [String] = [],
        json: Bool = true
    ) throws -> RunningProgram {
        let options = cluster.options(instance: instance, shape: shape, more)
        return try lab.start(verb, job, (json ? ["--json"] : []) + options)
    }

    /// The names of this test's pods, oldest first.
    func pods() throws -> [String] {
        try cluster.kubectl(
            "get pods -l galaxy-s3-executor/instance=\(instance)"
                + " --sort-by=.metadata.creationTimestamp -o name"
        )
        .split(separator: "\n").map { String($0.dropFirst("pod/".count)) }
    }

    /// The names of this test's Jobs.
    func jobs() throws -> [String] {
        try cluster.kubectl("get jobs -l galaxy-s3-executor/instance=\(instance) -o name")
            .split(separator: "\n").map { String($0.dropFirst("job.batch/".count)) }
    }

    /// Waits until the tool of this pod, or of the only one, runs, and says which it is.
    @discardableResult
    func waitForTool(in pod: String? = nil) async throws -> String {
        var found = ""
        try await Patience.long.wait("the tool to run in a pod") {
            for name in try pods() where pod == nil || pod == name {
                let folder = try volume(of: name)
                if !folder.isEmpty,
                    (try Shell.run("ls \(folder)/r*/tmp/runs 2> /dev/null || true")) != ""
                {
                    found = name
                }
            }
            return !found.isEmpty
        }
        return found
    }

    /// Lets the tool in this pod go on, with a word that ends up in its output.
    func release(
        _ pod: String,
        _ word: String
    ) throws {
        try release(volume: try volume(of: pod), word)
    }

    /// The same where the API server cannot be asked for the pod.
    func release(
        volume: String,
        _ word: String
    ) throws {
        try Shell.run(
            """
            for place in \(volume)/r*/tmp/runs; do
                echo '\(word)' > "${place%runs}go.new"; mv "${place%runs}go.new" "${place%runs}go"
            done
            """
        )
    }

    /// Where the pod's volume is on the node, which is this machine.
    func volume(of pod: String) throws -> String {
        let uid = try cluster.kubectl(
            "get pod \(pod) -o jsonpath={.metadata.uid} 2>/dev/null || true"
        )
        guard !uid.isEmpty else { return "" }
        return "\(cluster.state)/kubelet/pods/\(uid)/volumes/kubernetes.io~empty-dir/work"
    }
}
