// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import S3Client
import TestSupport
import Testing

/// The bucket goes away, forgets, or changes who may use it, while jobs of the cluster depend on it
/// (F62, F74 and F75).
@Suite(.processes, .enabled(if: !TestCluster.isOff)) struct ClusterStoreTests {
    // MARK: Away

    @Test("the bucket goes while the tool runs and comes back when results are pushed")
    func away() async throws {
        try await OwnServer.run(address: TestCluster().host) { own in
            try await ClusterLab.run(on: own.server) { lab in
                try await lab.withSecret("credentials", own.server.credentials.file) { secret in
                    let job = try lab.gatedJob("md5sum < \"$IN1\" > sum; echo after")
                    let more = ["kubernetes.credentials_secret=\(secret)"]
                    let head = try lab.start("run", job, more: more)
                    let pod = try await lab.waitForTool()
                    try own.stop()
                    try lab.release(pod, "done")
                    try await Patience.veryLong.wait("word of the worker's") {
                        head.output.contains("The worker: ")
                    }
                    try own.startAgain()
                    let answer = try RunAnswer(try await head.ending(.veryLong))
                    #expect(answer.ending?.state == "ok", "\(answer.message)")
                    #expect(answer.failedTries == [], "results are waited with, not thrown away")
                    #expect(Shell.text(job.output) == "done\n")
                    let sum = try Shell.run("md5sum < \(job.largeInput)")
                    #expect(Shell.text("\(job.working)/sum") == sum)
                    #expect(try await lab.lab.keys("started.json").count == 1)
                }
            }
        }
    }

    // MARK: Inputs

    /// Runs a job whose large input is staged by then, and says under which key.
    private func stagedKey(
        _ lab: ClusterLab,
        _ job: GalaxyJob
    ) async throws -> String {
        // Files younger than two seconds get no record.
        try Shell.run("sleep 2.1")
        let (status, answer) = try await lab.run(job)
        try #require(status == 0, "\(answer.message)")
        return try #require(try await lab.lab.keys("/stage/").first)
    }

    @Test(
        "an input that others have overwritten is never given to a tool",
        arguments: [7, 307_200]
    )
    func otherBytes(_ size: Int) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("md5sum < \"$IN1\" > $OUT")
            let key = try await stagedKey(lab, job)
            try Shell.run(": > \(job.output)")
            let bytes = [UInt8](repeating: 7, count: size)
            _ = try await lab.lab.store.put(ObjectKey(key), bytes: bytes)
            let (status, answer) = try await lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.state == "failed")
            for word in [job.largeInput, key] {
                #expect(answer.message.contains(word), "\(answer.message)")
            }
            #expect(answer.failedTries.count == 1, "it is not tried again: \(answer.failedTries)")
            #expect(Shell.text(job.output) == "")
        }
    }

    @Test func anInputThatIsGoneIsStagedAgainOnce() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("md5sum < \"$IN1\" > $OUT")
            try await lab.lab.store.delete(ObjectKey(try await stagedKey(lab, job)))
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.message)")
            #expect(answer.failedTries.count == 1, "\(answer.failedTries)")
            #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
        }
    }

    // MARK: Keys

    @Test(
        "keys that are replaced while the tool runs are the ones its results are pushed with",
        arguments: ["split", "single"]
    )
    func rotation(_ shape: String) async throws {
        try await OwnServer.run(address: TestCluster().host) { own in
            let first = Credentials(
                accessKeyID: "firstworker",
                secretKey: Redacted("firstworkersecret")
            )
            let second = Credentials(
                accessKeyID: "secondworker",
                secretKey: Redacted("secondworkersecret")
            )
            try own.admit(first)
            try own.stop()
            try own.startAgain()
            try await ClusterLab.run(on: own.server) { lab in
                try await lab.withSecret("credentials", first.file) { secret in
                    let job = try lab.gatedJob()
                    let head = try lab.start(
                        "run",
                        job,
                        shape: shape,
                        more: ["kubernetes.credentials_secret=\(secret)"]
                    )
                    let pod = try await lab.waitForTool()
                    // From here on the first key is nobody's.
                    try own.admit(second)
                    try own.stop()
                    try own.startAgain()
                    try lab.store(secret: secret, "credentials", second.file)
                    try await Patience.veryLong.wait("the new key in the pod") {
                        try lab.mountedSecrets(of: pod).contains(second.accessKeyID)
                    }
                    try lab.release(pod, "done")
                    let answer = try RunAnswer(try await head.ending(.veryLong))
                    #expect(answer.ending?.state == "ok", "\(answer.message)")
                    #expect(answer.failedTries == [])
                    #expect(Shell.text(job.output) == "done\n")
                }
            }
        }
    }

    @Test("a bad key that is replaced while the pod waits for a node does no harm")
    func badKeyWhileItWaits() async throws {
        try await ClusterLab.run { lab in
            let bad = Credentials(accessKeyID: "nobody", secretKey: Redacted("nothing"))
            try await lab.withSecret("credentials", bad.file) { secret in
                // It goes where a certain other pod is.
                let friend = "friend-\(lab.instance)"
                defer { _ = try? lab.cluster.kubectl("delete pod \(friend) --wait=false") }
                let affinity =
                    "{podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: "
                    + "{matchLabels: {run: \(friend)}}, topologyKey: kubernetes.io/hostname}]}}"
                let job = try lab.job("echo done > $OUT")
                let more = [
                    "kubernetes.credentials_secret=\(secret)",
                    "kubernetes.k8s_affinity=\(affinity)",
                ]
                let head = try lab.start("run", job, more: more)
                try await Patience.long.wait("the pod to wait") {
                    head.output.contains("no node can take pod")
                }
                try lab.store(secret: secret, "credentials", lab.lab.server.credentials.file)
                try lab.cluster.kubectl("run \(friend) --image=localhost/busybox:1 -- sleep 600")
                let answer = try RunAnswer(try await head.ending(.veryLong))
                #expect(answer.ending?.state == "ok", "\(answer.message)")
                #expect(answer.failedTries == [])
            }
        }
    }
}
