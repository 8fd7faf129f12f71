// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

extension ClusterOutageTests {
    /// Nodes are emptied and pods displaced: another try, and never the tool's fault (F45).
    @Suite struct Nodes {
        /// Runs a job whose first pod `disturb` gets rid of and whose second one `relieve` lets run.
        private func disturbed(
            _ lab: ClusterLab,
            more: [String] = [],
            disturb: (_ pod: String) async throws -> Void,
            relieve: () async throws -> Void
        ) async throws -> RunAnswer {
            let job = try lab.gatedJob()
            let head = try lab.start("run", job, more: more)
            let first = try await lab.waitForTool()
            try await disturb(first)
            var second = ""
            try await Patience.veryLong.wait("another pod") {
                second = try lab.pods().last { $0 != first } ?? ""
                return !second.isEmpty
            }
            try await Patience.veryLong.wait("word of it") {
                head.output.contains("no node can take pod \(second)")
            }
            try await relieve()
            try lab.release(try await lab.waitForTool(in: second), "second")
            let ending = try await head.ending(.veryLong)
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(answer.message) \(ending.errors)")
            #expect(Shell.text(job.output) == "second\n", "invariant 1: results of one attempt")
            return answer
        }

        @Test func aNodeThatIsTainted() async throws {
            try await ClusterLab.run { lab in
                let taint = "gse-test=\(getpid()):NoExecute"
                defer { _ = try? lab.cluster.kubectl("taint nodes --all gse-test-") }
                _ = try await disturbed(lab) { _ in
                    try lab.cluster.kubectl("taint nodes --all \(taint)")
                } relieve: {
                    try lab.cluster.kubectl("taint nodes --all gse-test-")
                }
            }
        }

        @Test func aNodeThatIsDrained() async throws {
            try await ClusterLab.run { lab in
                let node = try lab.cluster.kubectl(
                    "get nodes -o jsonpath={.items[0].metadata.name}"
                )
                defer { _ = try? lab.cluster.kubectl("uncordon \(node)") }
                _ = try await disturbed(lab) { _ in
                    try lab.cluster.kubectl(
                        "drain \(node) --force --ignore-daemonsets --delete-emptydir-data"
                            + " --timeout=120s"
                    )
                } relieve: {
                    try lab.cluster.kubectl("uncordon \(node)")
                }
            }
        }

        @Test func aPodThatMakesRoomForAnother() async throws {
            try await ClusterLab.run { lab in
                let name = "first-\(lab.instance)"
                let cpu = try lab.cluster.kubectl(
                    "get nodes -o jsonpath={.items[0].status.allocatable.cpu}"
                )
                // More than half of the node: two of them are one too many.
                let half = "\((Int(cpu) ?? 1) * 1000 * 2 / 3)m"
                defer {
                    _ = try? lab.cluster.kubectl("delete pod \(name) --force --grace-period=0")
                    _ = try? lab.cluster.kubectl("delete priorityclass \(name)")
                }
                _ = try await disturbed(lab, more: ["kubernetes.requests_cpu=\(half)"]) { _ in
                    try lab.cluster.kubectl("create priorityclass \(name) --value=1000")
                    try Shell.run(
                        """
                        kubectl --kubeconfig '\(lab.cluster.adminConfig)' create -f - << END
                        {"apiVersion": "v1", "kind": "Pod",
                         "metadata": {"name": "\(name)", "namespace": "\(lab.cluster.namespace)"},
                         "spec": {"priorityClassName": "\(name)", "containers": [{"name": "c",
                          "image": "localhost/busybox:1", "command": ["sleep", "600"],
                          "resources": {"requests": {"cpu": "\(half)"}}}]}}
                        END
                        """
                    )
                } relieve: {
                    try lab.cluster.kubectl("delete pod \(name) --force --grace-period=0")
                }
            }
        }
    }
}
