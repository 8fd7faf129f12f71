// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Names
import Staging
import Testing

@testable import HeadNode

/// The section `kubernetes` of the configuration.
@Suite struct KubernetesKeysTests {
    private func warnings(_ text: String) throws -> [String] {
        var resolver = PlanSample.resolver(text)
        _ = try resolver.settings()
        return resolver.warnings.map(\.line)
    }

    // MARK: What is read

    @Test func withoutAWordThereAreTheDefaults() throws {
        var settings = try PlanSample.settings()
        settings.images.worker = nil
        #expect(settings == KubernetesSettings())
    }

    @Test func everyKeyArrivesWhereItBelongs() throws {
        let settings = try PlanSample.settings(PlanSample.everything)
        #expect(settings.access.namespace == "galaxy")
        #expect(settings.galaxyInstance?.description == "eu")
        #expect(settings.worker.requests == .init(cpu: 50, memory: 32 << 20))
        #expect(settings.worker.limits == .init(memory: 128 << 20))
        #expect(settings.worker.environment.map(\.name) == ["HTTPS_PROXY", "NO_PROXY"])
        #expect(settings.worker.environment.last?.value == "10.0.0.0/8,.example.org")
        #expect(settings.worker.credentialsSecret == "galaxy-s3")
        #expect(settings.images.pullPolicy == .ifNotPresent)
        #expect(settings.images.pullSecrets == ["registry-one", "registry-two"])
        #expect(settings.images.mirrors.rules.count == 3)
        let tool = settings.tool
        #expect(
            tool.resources.requests
                == .init(cpu: 1500, memory: 4 << 30, ephemeralStorage: 20 << 30)
        )
        #expect(
            tool.resources.limits
                == .init(cpu: 4000, memory: 8_000_000_000, ephemeralStorage: 40 << 30)
        )
        #expect(tool.environment.first == NamedText(name: "GALAXY_SLOTS", value: "7"))
        #expect(
            tool.environmentSecrets == [
                SecretVariable(name: "LICENCE", secret: "licences", key: "tool-key"),
                SecretVariable(name: "OTHER", secret: "licences", key: "other.key"),
            ]
        )
        #expect(tool.claims.map(\.claim) == ["licences", "refs", "refs"])
        #expect(tool.claims.map(\.folder) == [nil, "sub/dir", nil])
        #expect(tool.claims.map(\.isReadOnly) == [true, false, true])
        #expect(tool.isRootReadOnly)
        let sidecar = try #require(tool.sidecars.first)
        #expect(sidecar.image.name.description == "docker.io/library/postgres")
        #expect(sidecar.requests == .init(cpu: 250, memory: 256 << 20))
        #expect(sidecar.ports == [ContainerPort(containerPort: 5432, name: "db", protocol: "TCP")])
        #expect(settings.volume.outputAllowance == 30 << 30)
        #expect(
            settings.identity
                == IdentitySettings(
                    user: .fixed(4000),
                    group: .fixed(4001),
                    fileSystemGroup: .fixed(4002),
                    supplementalGroup: .galaxys,
                    serviceAccount: "galaxy-worker"
                )
        )
        #expect(settings.placement.nodeSelector == ["pool": "galaxy"])
        #expect(settings.placement.tolerations.last?.tolerationSeconds == 5)
        #expect(settings.placement.affinity?["podAffinity"] != nil)
        #expect(settings.placement.priorityClass == "galaxy-jobs")
        #expect(settings.metadata.labels == ["cost-centre": "biology"])
        #expect(settings.keeping.afterEnd == 172_800)
        #expect(settings.keeping.afterSuccess == 3600)
    }

    @Test func otherWordsArriveToo() throws {
        let settings = try PlanSample.settings(
            """
            k8s_config_path: /etc/kube
            context: galaxy
            k8s_use_service_account: true
            shape: single
            k8s_unschedulable_walltime_limit: 600
            image_pull_limit: 1m
            container_create_limit: 2m
            k8s_cleanup_job: onsuccess
            k8s_job_ttl_secs_after_finished: none
            ttl_after_success: 90
            volume_medium: memory
            """
        )
        #expect(
            settings.access
                == ClusterAccessSettings(
                    namespace: "default",
                    configPath: try FilePath("/etc/kube"),
                    context: "galaxy",
                    usesServiceAccount: true
                )
        )
        #expect(settings.shape == .single)
        #expect(
            settings.patience
                == PatienceSettings(unschedulable: 600, imagePull: 60, containerCreate: 120)
        )
        #expect(
            settings.keeping
                == KeepingSettings(cleanup: .onSuccess, afterEnd: nil, afterSuccess: 90)
        )
        #expect(settings.volume.medium == .memory)
    }

    /// As text, as Galaxy's job configuration has it, and as YAML.
    @Test(arguments: [
        "k8s_tolerations: |\n  - key: a\n    operator: Exists\n",
        "k8s_tolerations: \"[{key: a, operator: Exists}]\"\n",
        "k8s_tolerations:\n  - key: a\n    operator: Exists\n",
        "k8s_tolerations: [{key: \"a\", 'operator': Exists}]\n",
    ])
    func theSameIsWrittenInManyWays(_ text: String) throws {
        #expect(
            try PlanSample.settings(text).placement.tolerations
                == [Toleration(key: "a", operator: "Exists")]
        )
    }

    @Test func retriesAndWalltimeHaveGalaxysNamesToo() throws {
        func retries(_ text: String) throws -> Int { try PlanSample.whole(text).retries }
        #expect(try retries("") == 1)
        #expect(try retries("k8s_pod_retries: 5") == 5)
        #expect(try retries("k8s_pod_retries: 5\nmax_pod_retries: 7") == 7)
        #expect(try retries("k8s_pod_retries: 5\nk8s_job_spec_back_off_limit: 2") == 2)
        #expect(try retries("k8s_job_spec_back_off_limit: 0") == 0)
        let limits = try PlanSample.whole("k8s_walltime_limit: 172800").staging.limits
        #expect(limits.walltimeSeconds == 172_800)
        #expect(try PlanSample.whole().staging.limits.walltimeSeconds == nil)
    }

    @Test func noneUndoesAWalltimeForAll() throws {
        var resolver = PlanSample.resolver(
            """
            limits: {walltime: 1h}
            kubernetes: {worker_image: "\(PlanSample.worker)", k8s_walltime_limit: none}
            """
        )
        #expect(try resolver.settings().staging.limits.walltimeSeconds == nil)
    }

    // MARK: What is taken, with a word

    @Test func whatGalaxysRunnerHasAndWeDoNotNeedIsAWarning() throws {
        let found = try warnings(
            """
            kubernetes:
              worker_image: \(PlanSample.worker)
              k8s_data_volume_claim: data
              k8s_job_api_version: batch/v1
            """
        )
        #expect(
            found == [
                "galaxy.yml:6:5: kubernetes.k8s_data_volume_claim has no effect: inputs and outputs "
                    + "go through the bucket; delete it",
                "galaxy.yml:7:5: kubernetes.k8s_job_api_version has no effect: it is always "
                    + "batch/v1, which every server has; delete it",
            ]
        )
        var resolver = SettingsResolver(
            file: nil,
            environment: [
                "HOME": "/h", "GALAXY_S3_EXECUTOR_KUBERNETES_K8S_INTERACTIVETOOLS_USE_SSL": "true",
            ],
            flags: ["s3.bucket=data", "kubernetes.k8s_working_volume_claim=x"]
        )
        _ = try resolver.settings()
        #expect(resolver.warnings.count == 2)
    }

    @Test func anImageThatMayChangeIsAWarning() throws {
        let found = try warnings("kubernetes: {worker_image: \"quay.io/galaxy/worker:1\"}")
        #expect(
            found == [
                "galaxy.yml:4:30: kubernetes.worker_image: quay.io/galaxy/worker:1 may mean another "
                    + "program tomorrow; pin it by @sha256: and the image's digest"
            ]
        )
    }

    @Test func credentialsWithinAToolsReachAreAWarning() throws {
        let found = try warnings(
            """
            kubernetes:
              worker_image: \(PlanSample.worker)
              shape: single
              credentials_secret: s3
            """
        )
        #expect(found.count == 1)
        #expect(found.first?.contains("a tool can read the worker's credentials") == true)
    }

    @Test func noIgnoredKeyIsInTheTable() {
        for ignored in IgnoredKey.all {
            #expect(ConfigSchema.key(at: ignored.path) == nil, "\(ignored.path)")
        }
    }
}
