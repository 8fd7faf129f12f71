// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Kubernetes
import Names
import Testing

@testable import HeadNode

@Suite struct JobPlanTests {
    private func pod(_ plan: JobPlan) throws -> JSONTree {
        try #require(try JSONTree(bytes: plan.manifest)["spec", "template", "spec"])
    }

    private func container(_ name: String, _ pod: JSONTree) throws -> JSONTree {
        let all = (pod["initContainers"]?.list ?? []) + (pod["containers"]?.list ?? [])
        return try #require(all.first { $0["name"] == .text(name) })
    }

    private func mounts(_ container: JSONTree) -> [String: String] {
        let pairs = (container["volumeMounts"]?.list ?? [])
            .map { mount in
                let path = mount["mountPath"]?.text ?? "?"
                let from = (mount["name"]?.text ?? "?") + "/" + (mount["subPath"]?.text ?? "")
                return (path, from + (mount["readOnly"] == .flag(true) ? " ro" : ""))
            }
        return Dictionary(pairs) { first, _ in first + " and another" }
    }

    @Test func theSameInputGivesTheSameBytes() throws {
        let settings = try PlanSample.settings(PlanSample.everything)
        let once = try PlanSample.plan(PlanSample.order(), settings)
        let twice = try PlanSample.plan(PlanSample.order(), settings)
        #expect(once.manifest == twice.manifest)
        #expect(once.manifest.count < 64 << 10, "bad input B69")
    }

    // MARK: What each container sees

    @Test func splitGivesTheToolNoMoreThanItNeeds() throws {
        let pod = try pod(PlanSample.plan(PlanSample.order(), PlanSample.settings()))
        let tool = try container("tool", pod)
        #expect(
            mounts(tool) == [
                "/galaxy/data": "work/r0", "/galaxy/jobs/42": "work/r1",
                "/tools/samtools": "work/r2",
                "/tmp": "work/tmp", "/galaxy-s3-executor/bin": "work/bin ro",
                "/galaxy-s3-executor/state": "work/state ro",
                "/galaxy-s3-executor/state/tool": "work/state/tool",
            ]
        )
        for name in ["fetch", "push"] {
            #expect(mounts(try container(name, pod)) == ["/galaxy-s3-executor": "work/"])
        }
    }

    @Test func singleHasOneContainerThatWritesTheState() throws {
        let settings = try PlanSample.settings("shape: single\ncredentials_secret: s3")
        let pod = try pod(PlanSample.plan(PlanSample.order(), settings))
        let tool = mounts(try container("tool", pod))
        #expect(tool["/galaxy-s3-executor/state"] == "work/state")
        #expect(tool["/galaxy-s3-executor-credentials"] == "credentials/ ro")
        #expect(mounts(try container("install", pod)) == ["/galaxy-s3-executor": "work/"])
        let words = try container("install", pod)["args"]
        #expect(
            words?.list.compactMap(\.text) == [
                "install", "--volume", "/galaxy-s3-executor", "--roots", "3",
            ]
        )
    }

    /// Invariant 8.
    @Test(arguments: ["", PlanSample.everything])
    func inSplitTheToolHasNoCredentialAndNoWayToOne(_ more: String) throws {
        let settings = try PlanSample.settings(
            more.isEmpty ? "credentials_secret: galaxy-s3" : more
        )
        let pod = try pod(PlanSample.plan(PlanSample.order(), settings))
        for container in pod["containers"]?.list ?? [] where container["name"] != .text("push") {
            let texts = container.allTexts
            #expect(!texts.contains { $0.contains("AWS_") || $0.contains("credentials") })
            #expect(!texts.contains("galaxy-s3"))
            #expect(
                !texts.contains { $0.contains("s3.example.org") },
                "nor is it told of the bucket"
            )
        }
        for name in ["fetch", "push"] {
            let texts = try container(name, pod).allTexts
            #expect(texts.contains("AWS_SHARED_CREDENTIALS_FILE"))
            #expect(texts.contains("/galaxy-s3-executor-credentials/credentials"))
        }
    }

    @Test func aRoleOfThePodsIsNotTheTools() throws {
        let settings = try PlanSample.settings("service_account: role\n" + Self.database)
        let plan = try PlanSample.plan(PlanSample.order(), settings)
        let notes = plan.job.spec.template.metadata.annotations
        #expect(notes["eks.amazonaws.com/skip-containers"] == "tool,database")
        let plain = try PlanSample.plan(PlanSample.order(), PlanSample.settings())
        #expect(
            plain.job.spec.template.metadata.annotations["eks.amazonaws.com/skip-containers"] == nil
        )
    }

    private static let database = "sidecars: [{name: database, image: postgres}]"

    @Test func theCommandLinesAreTheWorkers() throws {
        let order = try PlanSample.order()
        let pod = try pod(PlanSample.plan(order, PlanSample.settings()))
        let storage = String(decoding: try ContractCoding.encode(order.storage), as: UTF8.self)
        let attempt = [
            "--state", "/galaxy-s3-executor/state", "--storage", storage, "--spec",
            order.specKey.description, "--spec-sha256", order.specSHA256.hex, "--pod", "$(POD_UID)",
            "--volume", "/galaxy-s3-executor",
        ]
        for verb in ["fetch", "push"] {
            let made = try container(verb, pod)
            #expect(made["command"] == nil, "the image's entry point is the worker")
            #expect(made["args"]?.list.compactMap(\.text) == [verb] + attempt)
            #expect(
                made["env"]?.list.first?["valueFrom", "fieldRef", "fieldPath"]
                    == .text("metadata.uid")
            )
        }
        let tool = try container("tool", pod)
        #expect(
            tool["command"] == .list([.text("/galaxy-s3-executor/bin/galaxy-worker-exec")])
        )
        #expect(
            tool["args"]?.list.compactMap(\.text)
                == ["tool", "--state", "/galaxy-s3-executor/state"]
        )
    }

    // MARK: What cannot be

    @Test(arguments: [
        (Array("/galaxy/a:b".utf8), "colon"), (Array("/galaxy/".utf8) + [0xFF], "not UTF-8"),
        (Array("/galaxy-s3-executor".utf8), "galaxy-head-node itself"),
        (Array("/galaxy-s3-executor/r0".utf8), "galaxy-head-node itself"),
        (Array("/galaxy-s3-executor-credentials/x".utf8), "galaxy-head-node itself"),
        (Array("/refs/genomes".utf8), "hide each other"), (Array("/refs".utf8), "hide each other"),
    ])
    func aRootThatCannotBeMountedIsNamed(_ root: [UInt8], _ why: String) throws {
        let settings = try PlanSample.settings("k8s_persistent_volume_claims: refs:/refs:r")
        let order = try PlanSample.order(roots: [root])
        let error = #expect(throws: HeadError.self) { try PlanSample.plan(order, settings) }
        #expect(error?.code == .description)
        #expect(error?.what.contains(why) == true, "\(error?.what ?? "")")
        #expect(error?.what.contains(try FilePath(root).logSafe) == true)
    }

    @Test func neighboursOfOurFolderAreFine() throws {
        let order = try PlanSample.order(roots: [Array("/galaxy-s3-executor2/x".utf8)])
        #expect(throws: Never.self) { try PlanSample.plan(order, PlanSample.settings()) }
    }

    @Test func anImageThatIsNoneIsSaidWithItsTool() throws {
        for image in [nil, "docker://x", "Bad Image"] {
            var subject = PlanSample.subject
            subject.image = image
            let error = #expect(throws: HeadError.self) {
                try PlanSample.plan(PlanSample.order(), PlanSample.settings(), subject: subject)
            }
            #expect(error?.code == .description)
            #expect(error?.what.contains("samtools_sort") == true)
            #expect(error?.remedy.isEmpty == false)
        }
    }

    // MARK: Times

    @Test func theNetHangsOnThePodAndOnlyWithAWalltime() throws {
        let settings = try PlanSample.settings()
        #expect(
            try pod(PlanSample.plan(PlanSample.order(), settings))["activeDeadlineSeconds"] == nil
        )
        let plan = try PlanSample.plan(PlanSample.order(walltime: 7200), settings)
        // Walltime, grace, push, an hour, and 5 GiB and 1 MiB at 10 MiB a second.
        let expected: Int64 = 7200 + 20 + 3600 + 3600 + 512
        #expect(plan.job.spec.template.spec.activeDeadlineSeconds == expected)
        let job = try JSONTree(bytes: plan.manifest)
        #expect(job["spec", "activeDeadlineSeconds"] == nil)
        #expect(plan.job.spec.template.spec.terminationGracePeriodSeconds == 30)
    }

    @Test func aJobIsOneTry() throws {
        let plan = try PlanSample.plan(PlanSample.order(), PlanSample.settings())
        let spec = try #require(try JSONTree(bytes: plan.manifest)["spec"])
        #expect(spec["backoffLimit"] == .number(0))
        #expect(spec["podFailurePolicy"] == nil)
        #expect(spec["ttlSecondsAfterFinished"] == .number(86_400))
    }

    @Test func lostNodesAreGivenUpSoonUnlessSomebodySaysOtherwise() throws {
        func tolerations(_ text: String) throws -> [Toleration] {
            let settings = try PlanSample.settings(text)
            return try PlanSample.plan(PlanSample.order(), settings)
                .job.spec.template.spec.tolerations
        }
        let standard = try tolerations("")
        #expect(standard.map(\.tolerationSeconds) == [60, 60])
        #expect(standard.allSatisfy { $0.effect == "NoExecute" && $0.operator == "Exists" })
        let own = try tolerations(
            "k8s_tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists}]"
        )
        #expect(own.count == 2)
        #expect(own.last?.key == "node.kubernetes.io/unreachable")
        #expect(try tolerations("k8s_tolerations: [{operator: Exists}]").count == 1)
        let other = try tolerations(
            "k8s_tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, "
                + "effect: NoSchedule}]"
        )
        #expect(other.count == 3)
    }

    // MARK: Who and where

    @Test func numbersAreGalaxysUnlessConfigured() throws {
        func context(_ text: String) throws -> PodSecurityContext {
            try PlanSample.plan(PlanSample.order(), PlanSample.settings(text))
                .job.spec.template.spec.securityContext
        }
        let standard = try context("")
        #expect(standard.runAsUser == 1500)
        #expect(standard.runAsGroup == 1600)
        #expect(standard.runAsNonRoot)
        #expect(standard.fsGroup == nil)
        #expect(try context("k8s_fs_group_id: $gid").fsGroup == 1600)
        #expect(try context("k8s_supplemental_group_id: 7").supplementalGroups == [7])
        // Galaxy's own runner takes 0 for none, and for root where a user or group is meant.
        #expect(try context("k8s_fs_group_id: 0").fsGroup == nil)
        #expect(try context("k8s_supplemental_group_id: 0").supplementalGroups == nil)
        #expect(try context("k8s_run_as_group_id: 0").runAsGroup == 0)
        #expect(try !context("k8s_run_as_user_id: 0").runAsNonRoot)
    }

    @Test func nodesHaveTheWorkersArchitecture() throws {
        func selector(_ text: String) throws -> [String: String]? {
            try PlanSample.plan(PlanSample.order(), PlanSample.settings(text))
                .job.spec.template.spec.nodeSelector
        }
        #expect(try selector("") == ["kubernetes.io/arch": "amd64"])
        #expect(
            try selector("k8s_node_selector: {pool: a}")
                == ["kubernetes.io/arch": "amd64", "pool": "a"]
        )
        #expect(
            try selector("k8s_node_selector: {kubernetes.io/arch: arm64}")
                == ["kubernetes.io/arch": "arm64"]
        )
    }

    @Test func inSingleTheToolsOwnVariableWins() throws {
        var settings = try PlanSample.settings("shape: single")
        settings.worker.environment = [NamedText(name: "NO_PROXY", value: "worker")]
        settings.tool.environment = [NamedText(name: "NO_PROXY", value: "tool")]
        let pod = try pod(PlanSample.plan(PlanSample.order(), settings))
        let found = try container("tool", pod)["env"]?.list
            .filter { $0["name"] == .text("NO_PROXY") }.map { $0["value"] }
        #expect(found == [.text("tool")])
    }
}
