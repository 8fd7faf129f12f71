// SPDX-License-Identifier: Apache-2.0

import Glibc
import Kubernetes
import TestSupport
import Testing

/// Against a real API server.
@Suite(.serialized, .enabled(if: TestCluster.kubeconfig != nil)) struct ClusterTests {
    private let name = "kubernetes-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    private var label: [String: String] { ["galaxy-s3-name": name] }

    @Test func `A Job from its creation to its deletion`() async throws {
        let client = try TestCluster.client()
        #expect(try await client.serverVersion() >= ServerVersion(1, 20))
        #expect(try await client.job(name) == nil)
        let script = "for i in 1 2 3; do echo line $i; sleep 1; done; printf end; exit 3"
        let manifest = TestCluster.manifest(name, script, labels: label)
        let job = try await client.createJob(manifest)
        #expect(job.metadata.name == name && !job.metadata.uid.isEmpty)

        let again = await #expect(throws: KubernetesError.self) {
            try await client.createJob(manifest)
        }
        #expect(again?.code == .alreadyExists && again?.isAmbiguous == false)

        let lines = Collected<String>()
        let pod = try await finished(client) { pod in
            let state = pod.status.container("tool")?.state
            guard lines.all.isEmpty, state?.running != nil || state?.terminated != nil else {
                return
            }
            var options = PodLogOptions()
            options.follow = true
            do {
                try await client.podLog(pod.metadata.name, container: "tool", options) {
                    lines.add(String(decoding: $0, as: UTF8.self))
                }
            } catch { Issue.record(error) }
        }
        #expect(pod.status.container("tool")?.state?.terminated?.exitCode == 3)
        #expect(lines.all == ["line 1", "line 2", "line 3", "end"])

        let events = try await client.events(ofUID: job.metadata.uid)
        #expect(events.contains { $0.reason == "SuccessfulCreate" })

        let patched = try await client.patchJob(
            name,
            merge: Array(#"{"metadata":{"annotations":{"a/b":"c"}}}"#.utf8)
        )
        #expect(patched.metadata.annotations["a/b"] == "c")
        #expect(try await client.jobs(LabelSelector(label)).items.map(\.metadata.name) == [name])

        #expect(try await client.deleteJob(name, uid: "another") == false)
        #expect(try await client.job(name) != nil)
        #expect(try await client.deleteJob(name, uid: job.metadata.uid))
        #expect(try await client.job(name) == nil)
        #expect(try await client.deleteJob(name) == false)
    }

    /// Watches until the Job has ended, and gives its Pod.
    private func finished(
        _ client: KubernetesClient,
        _ look: @escaping @Sendable (Pod) async -> Void
    ) async throws -> Pod {
        let jobs = ResourceWatch<Job>(client, selector: LabelSelector(label))
        let pods = ResourceWatch<Pod>(client, selector: LabelSelector(label))
        let last = Collected<Pod>()
        await withTaskGroup(of: Void.self) { group in
            let ended = AsyncStream<Void>.makeStream()
            group.addTask {
                await pods.run { event in
                    switch event {
                    case .listed(let pods):
                        for pod in pods {
                            last.add(pod)
                            await look(pod)
                        }
                    case .changed(let pod):
                        last.add(pod)
                        await look(pod)
                        if pod.status.phase == "Failed" || pod.status.phase == "Succeeded" {
                            ended.continuation.yield()
                        }
                    case .trouble(let error): Issue.record(error)
                    case .deleted, .recovered: break
                    }
                }
            }
            group.addTask {
                await jobs.run { event in
                    if case .changed(let job) = event, job.status.condition("Failed") != nil {
                        ended.continuation.yield()
                    }
                }
            }
            var count = 0
            for await _ in ended.stream {
                count += 1
                if count == 2 { break }
            }
            group.cancelAll()
        }
        return try #require(last.all.last)
    }

    /// F20. `GALAXY_S3_TEST_CLUSTER_RESTART` is a command that restarts the API server.
    @Test(.enabled(if: TestCluster.restart != nil))
    func `A restart of the API server is nobody's end`() async throws {
        let client = try TestCluster.client()
        let labels = label
        _ = try await client.createJob(
            TestCluster.manifest(name, "sleep 12; echo done", labels: labels)
        )
        let told = Collected<String>()
        let watch = ResourceWatch<Job>(client, selector: LabelSelector(labels))
        await withTaskGroup(of: Void.self) { group in
            let (ended, end) = AsyncStream<Void>.makeStream()
            group.addTask {
                await watch.run { event in
                    told.add(WatchLog.words(event))
                    switch event {
                    case .listed(let jobs)
                    where jobs.contains { $0.status.condition("Complete")?.isTrue == true }:
                        end.finish()
                    case .changed(let job) where job.status.condition("Complete")?.isTrue == true:
                        end.finish()
                    default: break
                    }
                }
            }
            group.addTask {
                let status = try? ChildProcess.run(
                    ["/bin/bash", "-c", TestCluster.restart ?? "false"],
                    input: "/dev/null",
                    output: "/dev/null"
                )
                #expect(status == 0)
            }
            for await _ in ended {}
            group.cancelAll()
        }
        // A server that says goodbye and is back at once is no trouble; else it is not told for ever.
        #expect(told.all.filter { $0.utf8.starts(with: "trouble".utf8) }.count < 100)
        #expect(try await client.deleteJob(name))
    }

    @Test func `What the server thinks of what it is asked`() async throws {
        let client = try TestCluster.client()
        let jobs = try await client.reviewAccess(verb: "create", .jobs)
        #expect(jobs.allowed)
        let secrets = ResourceKind(group: "", version: "v1", plural: "secrets")
        #expect(try await client.reviewAccess(verb: "get", secrets).allowed == false)

        let bad = TestCluster.manifest(name, "true")
        let spoiled = String(decoding: bad, as: UTF8.self)
            .replacing("localhost/busybox:1", with: "").replacing("Never", with: "Always")
        let invalid = await #expect(throws: KubernetesError.self) {
            try await client.createJob(Array(spoiled.utf8))
        }
        #expect(invalid?.code == .invalid)
        #expect(invalid?.what.contains("spec.template.spec.restartPolicy") == true)
        #expect(invalid?.what.contains("spec.template.spec.containers[0].image") == true)

        let elsewhere = try KubernetesClient(
            try ClusterAccess.kubeconfig(path: TestCluster.kubeconfig ?? ""),
            namespace: "kube-system"
        )
        let forbidden = await #expect(throws: KubernetesError.self) {
            try await elsewhere.jobs(.everything)
        }
        #expect(forbidden?.code == .forbidden)
        #expect(forbidden?.remedy.contains(#"resources ["jobs"], verbs ["list"]"#) == true)

        let notThere = await #expect(throws: KubernetesError.self) {
            try await client.podLog("none", container: "tool") { _ in }
        }
        #expect(notThere?.code == .notFound)
    }
}
