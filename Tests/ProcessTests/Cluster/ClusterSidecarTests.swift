// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What an administrator puts beside the tool, and gives it from Secrets.
@Suite(.processes, .enabled(if: !TestCluster.isOff)) struct ClusterSidecarTests {
    @Test(
        "a sidecar that does not end by itself is ended with the run",
        arguments: ["split", "single"]
    )
    func endless(shape: String) async throws {
        try await ClusterLab.run { lab in
            let tool = """
                i=0
                until [ -e /tmp/beside ]; do sleep 0.1; i=$((i + 1)); [ $i -lt 600 ] || exit 9; done
                cat /tmp/beside > "$OUT"
                """
            let job = try lab.job(tool)
            let command = "echo licence > /tmp/beside; sleep 3600"
            let sidecar =
                "{name: licences, image: \"localhost/busybox:1\", "
                + "command: [/bin/sh, -c, \"\(command)\"]}"
            let (status, answer) = try await lab.run(
                job,
                shape: shape,
                more: ["kubernetes.sidecars=[\(sidecar)]"]
            )
            #expect(status == 0, "\(answer.message)")
            #expect(answer.failedTries == [])
            #expect(Shell.text(job.output) == "licence\n")
            // A kubelet takes its time to forget a pod that was deleted while it ran.
            try await Patience.veryLong.wait("the pod to be removed") {
                try lab.jobs().isEmpty && lab.pods().isEmpty
            }
        }
    }

    @Test(
        "a tool gets the Secrets that are its own, and the bucket's keys are not",
        arguments: ["split", "single"]
    )
    func environmentSecrets(_ shape: String) async throws {
        try await ClusterLab.run { lab in
            try await lab.withSecret("tool-key", "the tool's own") { secret in
                let tool = """
                    echo "$LICENCE_KEY" > "$OUT"
                    env | sort > environment; cat /proc/1/environ > first 2> /dev/null || true
                    """
                let job = try lab.job(tool)
                let (status, answer) = try await lab.run(
                    job,
                    shape: shape,
                    more: ["kubernetes.environment_secrets=LICENCE_KEY=\(secret)/tool-key"]
                )
                #expect(status == 0, "\(answer.message)")
                #expect(Shell.text(job.output) == "the tool's own\n")
                let seen = Shell.text("\(job.working)/environment")
                #expect(seen.contains("LICENCE_KEY="), "\(seen)")
                #expect(!seen.contains("AWS_"), "\(seen)")
                #expect(Shell.text("\(job.working)/first") == "", "the worker's own is not shown")
                let spec = try await lab.lab.text(try #require(lab.lab.keys("spec.json").first))
                #expect(!spec.contains("the tool's own"), "invariant 8")
                let manifest = try lab.cluster.kubectl(
                    "get jobs,pods -l galaxy-s3-executor/instance=\(lab.instance) -o json"
                )
                #expect(!manifest.contains("the tool's own"), "invariant 8")
            }
        }
    }
}
