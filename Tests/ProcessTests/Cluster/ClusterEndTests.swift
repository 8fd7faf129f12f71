// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Every way in which a pod can end is told apart, and none but the tool's own is charged to it
/// (F42 to F45, F48, F49 and F52).
@Suite(.processes, .enabled(if: !TestCluster.isOff)) struct ClusterEndTests {
    private func message(_ answer: RunAnswer) -> String {
        answer.ending?.message ?? answer.error?.message ?? ""
    }

    // MARK: Limits of the tool's

    @Test(
        "the kernel kills the tool's program, and the worker lives to tell",
        arguments: ["split", "single"]
    )
    func memoryOfTheTool(shape: String) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("echo before; tail /dev/zero")
            let (status, answer) = try await lab.run(
                job,
                shape: shape,
                more: ["kubernetes.limits_memory=96Mi"]
            )
            #expect(status == 1)
            #expect(answer.ending?.state == "memory_limit_reached", "\(message(answer))")
            #expect(answer.failedTries == [], "no try of the same size does better")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "before\n")
        }
    }

    @Test("the kernel kills the worker with the tool", arguments: ["split", "single"])
    func memoryOfTheWorker(shape: String) async throws {
        try await ClusterLab.run { lab in
            // Many small programs, so that the worker is the largest.
            let job = try lab.job("echo before; for i in $(seq 500); do sleep 600 & done; wait")
            let (status, answer) = try await lab.run(
                job,
                shape: shape,
                more: ["kubernetes.limits_memory=40Mi"]
            )
            #expect(status == 1)
            #expect(answer.ending?.state == "memory_limit_reached", "\(message(answer))")
        }
    }

    @Test func walltimeEndsTheTool() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("echo before; sleep 600")
            let (status, answer) = try await lab.run(job, more: ["kubernetes.k8s_walltime_limit=2"])
            #expect(status == 1)
            #expect(answer.ending?.state == "walltime_reached", "\(message(answer))")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "before\n")
        }
    }

    @Test("a pod that fills more than its disk fails for good, with bytes and limit")
    func diskLimit() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("head -c 200M /dev/zero > big; sleep 600")
            let (status, answer) = try await lab.run(
                job,
                more: ["kubernetes.output_allowance=16Mi"],
                patience: .veryLong
            )
            #expect(status == 1)
            #expect(answer.ending?.state == "failed")
            #expect(message(answer).contains("disk"), "\(message(answer))")
            #expect(message(answer).contains("exceeds"), "\(message(answer))")
            #expect(try await lab.lab.keys("started.json").count == 1, "it is not tried again")
        }
    }

    // MARK: Disruptions

    @Test(
        "evicted by the API, deleted, or deleted by force: another try, never the tool's fault",
        arguments: ["evict", "delete", "force"]
    )
    func disruption(_ how: String) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob()
            let head = try lab.start("run", job)
            let first = try await lab.waitForTool()
            switch how {
            case "evict":
                let path = "/api/v1/namespaces/\(lab.cluster.namespace)/pods/\(first)/eviction"
                try Shell.run(
                    """
                    kubectl --kubeconfig '\(lab.cluster.adminConfig)' create --raw \(path) -f - << END
                    {"apiVersion": "policy/v1beta1", "kind": "Eviction",
                     "metadata": {"name": "\(first)", "namespace": "\(lab.cluster.namespace)"}}
                    END
                    """
                )
            case "delete": try lab.cluster.kubectl("delete pod \(first) --wait=false")
            default: try lab.cluster.kubectl("delete pod \(first) --force --grace-period=0")
            }
            var second = ""
            try await Patience.long.wait("another pod") {
                second = try lab.pods().last { $0 != first } ?? ""
                return !second.isEmpty
            }
            second = try await lab.waitForTool(in: second)
            try lab.release(second, "second")
            let ending = try await head.ending()
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(message(answer)) \(ending.errors)")
            #expect(Shell.text(job.output) == "second\n", "invariant 1: results of one attempt")
        }
    }

    @Test func aJobThatSomebodyDeletesIsTriedAgain() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob()
            let head = try lab.start("run", job)
            let first = try await lab.waitForTool()
            try lab.cluster.kubectl("delete job \(try #require(try lab.jobs().first)) --wait=false")
            try await Patience.long.wait("try 2") { try lab.jobs().contains { $0.hasSuffix("-2") } }
            var second = ""
            try await Patience.long.wait("its pod") {
                second = try lab.pods().last { $0 != first } ?? ""
                return !second.isEmpty
            }
            try lab.release(try await lab.waitForTool(in: second), "second")
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "ok", "\(message(answer))")
            #expect(answer.failedTries.count == 1, "\(answer.failedTries)")
            #expect(Shell.text(job.output) == "second\n")
        }
    }

    @Test func theBudgetForDisruptionsEnds() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob()
            let head = try lab.start("run", job, more: ["disruptions=0"])
            _ = try await lab.waitForTool()
            try lab.cluster.kubectl("delete job \(try #require(try lab.jobs().first)) --wait=false")
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "failed")
            #expect(message(answer).contains("disrupted 1 times"), "\(message(answer))")
        }
    }

    // MARK: Pods that never run

    @Test func anImageThatIsNotThereEndsTheRunWithItsName() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("true", image: "localhost/nothere:1")
            let (status, answer) = try await lab.run(job, more: ["kubernetes.image_pull_limit=10s"])
            #expect(status == 1)
            #expect(answer.ending?.state == "failed")
            #expect(message(answer).contains("localhost/nothere:1"), "\(message(answer))")
        }
    }

    @Test func aPodThatNoNodeTakesEndsAfterItsLimitAndSaysWhy() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("true")
            let (status, answer) = try await lab.run(
                job,
                more: [
                    "kubernetes.requests_cpu=1000", "kubernetes.k8s_unschedulable_walltime_limit=4",
                ]
            )
            #expect(status == 1)
            #expect(answer.ending?.state == "walltime_reached", "\(message(answer))")
            #expect(message(answer).contains("Insufficient cpu"), "\(message(answer))")
        }
    }

    @Test func aSecretThatIsNotThereEndsTheRunWithItsName() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("true")
            let (status, answer) = try await lab.run(
                job,
                more: [
                    "kubernetes.credentials_secret=nosuchsecret",
                    "kubernetes.container_create_limit=10s",
                ]
            )
            #expect(status == 1)
            #expect(answer.ending?.state == "failed")
            #expect(message(answer).contains("nosuchsecret"), "\(message(answer))")
        }
    }

    // MARK: What is left

    @Test("who may not is told so by name, and what the pod said is kept with the pod's")
    func denied() async throws {
        try await ClusterLab.run { lab in
            let secret = "denied-\(lab.instance)"
            let file = "\(lab.lab.folder)/credentials"
            try Shell.run(
                "printf '[default]\\naws_access_key_id = nobody\\n"
                    + "aws_secret_access_key = nothing\\n' > \(file)"
            )
            try lab.cluster.kubectl(
                "create secret generic \(secret) --from-file=credentials=\(file)"
            )
            defer { _ = try? lab.cluster.kubectl("delete secret \(secret)") }
            let job = try lab.job("true")
            let (status, answer) = try await lab.run(
                job,
                more: ["kubernetes.credentials_secret=\(secret)"]
            )
            #expect(status == 1)
            #expect(answer.ending?.state == "failed")
            #expect(message(answer).contains("denied access"), "\(message(answer))")
            let pod = try #require(try lab.pods().first)
            let log = Shell.text("\(job.directory)/galaxy_s3/pod-\(pod).log")
            #expect(log.contains("pod \(pod)"), "\(log)")
            #expect(log.contains("galaxy-worker-exec:"), "\(log)")
        }
    }

    @Test("a finished Job is kept for its time, then the server removes it")
    func timeToLive() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("true")
            let (status, answer) = try await lab.run(job, more: ["kubernetes.ttl_after_success=1"])
            #expect(status == 0, "\(message(answer))")
            try await Patience.long.wait("the Job to be removed") { try lab.jobs().isEmpty }
        }
    }

    @Test func aFinishedJobIsDeletedAtOnceWhereTheAdministratorSaysSo() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("true")
            let (status, answer) = try await lab.run(
                job,
                more: ["kubernetes.k8s_cleanup_job=always"]
            )
            #expect(status == 0, "\(message(answer))")
            #expect(try lab.jobs() == [])
        }
    }
}
