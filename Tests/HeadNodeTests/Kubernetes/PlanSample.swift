// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import FoundationEssentials
import Names
import Testing

@testable import HeadNode

/// What plans of tests are made of: one job, and settings as an administrator would write them.
enum PlanSample {
    static let digest = String(repeating: "0123456789abcdef", count: 4)
    static let worker = "registry.example.org/galaxy/worker@sha256:\(digest)"
    static let galaxy = PodUser(user: 1500, group: 1600)

    static let subject = JobSubject(
        toolID: "toolshed.g2.bx.psu.edu/repos/iuc/samtools_sort/samtools_sort/2.0.5+galaxy1",
        image: "quay.io/biocontainers/samtools:1.21--h50ea8bc_0",
        handler: "main.job-handlers.1",
        destination: "k8s large"
    )

    static func order(
        roots: [[UInt8]] = ["/galaxy/data", "/galaxy/jobs/42", "/tools/samtools"]
            .map {
                Array($0.utf8)
            },
        walltime: Int64? = nil,
        run: String = "42-0123456789abcdef",
        number: Int = 1,
        instance: String = "main",
        prefix: String = "galaxy",
        bucket: String = "galaxy-data"
    ) throws -> TryOrder {
        let layout = JobLayout(
            prefix: try KeyPrefix(prefix),
            instance: try InstanceName(instance)
        )
        let id = TryID(run: try RunID(run), number: number)
        let job = try FilePath("/galaxy/jobs/42")
        let spec = RunSpec(
            run: id.run,
            layout: layout,
            command: [ByteString("/bin/bash"), ByteString("/galaxy/jobs/42/galaxy_42.sh")],
            workingDirectory: try job.appending("working"),
            environment: ["SECRET_OF_NOBODY": ByteString("in the spec, not in the manifest")],
            roots: try roots.map { try FilePath($0) },
            directories: [],
            links: [],
            packs: [
                PackEntry(
                    key: try ObjectKey("galaxy/packs/1"),
                    size: 1 << 20,
                    digest: .sha256(SHA256Digest(of: [])),
                    files: 99
                )
            ],
            inputs: [
                InputEntry(
                    path: try FilePath("/galaxy/data/1.dat"),
                    key: try ObjectKey("galaxy/stage/1/2"),
                    size: 5 << 30,
                    digest: CRC64NVME(value: 1),
                    mode: FileMode(0o644),
                    modified: FileTime(seconds: 0, nanoseconds: 0)
                )
            ],
            outputs: [],
            job: JobFiles(
                directory: job,
                exitCode: try job.appending("ec"),
                toolStdout: try job.appending("o"),
                toolStderr: try job.appending("e"),
                jobStdout: try job.appending("jo"),
                jobStderr: try job.appending("je")
            ),
            push: PushRules(onFailure: .all, leaveBehind: [], packBelow: 0),
            limits: Limits(walltimeSeconds: walltime)
        )
        return TryOrder(
            id: id,
            spec: spec,
            specKey: try ObjectKey("\(prefix)/jobs/\(instance)/\(run)/spec.json"),
            specSHA256: SHA256Digest(of: []),
            storage: StorageLocation(bucket: bucket, endpoint: "https://s3.example.org")
        )
    }

    /// The settings that this text in `galaxy.yml` gives, below `kubernetes:`.
    static func settings(_ lines: String = "") throws -> KubernetesSettings {
        try whole(lines).kubernetes
    }

    /// The settings with this text beside `kubernetes:`, and more below it.
    static func caching(_ lines: String, _ more: String = "") throws -> KubernetesSettings {
        var resolver = resolver(
            lines + "\nkubernetes:\n  worker_image: \(worker)\n" + more.indented(2)
        )
        return try resolver.settings().kubernetes
    }

    /// All settings with this text below `kubernetes:`.
    static func whole(_ lines: String = "") throws -> Settings {
        var resolver = resolver("kubernetes:\n  worker_image: \(worker)\n" + lines.indented(2))
        return try resolver.settings()
    }

    /// Reads the block with this text and what is needed besides.
    static func resolver(_ lines: String) -> SettingsResolver {
        let text = """
            s3_executor:
              executor: kubernetes
              s3: {bucket: galaxy-data}

            """
        return SettingsResolver(
            file: ConfigFile(Array((text + lines.indented(2)).utf8), named: "galaxy.yml"),
            environment: ["HOME": "/home/galaxy"]
        )
    }

    static func plan(
        _ order: TryOrder,
        _ settings: KubernetesSettings,
        subject: JobSubject = subject
    ) throws -> JobPlan {
        try JobPlan(order: order, subject: subject, settings: settings, user: galaxy)
    }

    /// Every key with another value than its default, but for `shape` and the medium.
    static let everything = """
        k8s_namespace: galaxy
        k8s_galaxy_instance_id: eu
        worker_requests_cpu: 50m
        worker_requests_memory: 32Mi
        worker_limits_memory: 128Mi
        worker_environment:
          HTTPS_PROXY: http://proxy.example.org:3128
          NO_PROXY: 10.0.0.0/8,.example.org
        credentials_secret: galaxy-s3
        sidecars:
          - name: database
            image: postgres:17
            command: [postgres, -c, "listen_addresses=$(HOST)"]
            args: ["-D", /tmp/db]
            workingDir: /tmp
            env: [{name: HOST, value: localhost}]
            ports: [{containerPort: 5432, name: db, protocol: TCP}]
            resources:
              requests: {cpu: 0.25, memory: 256Mi}
              limits: {memory: 1G, ephemeral-storage: 1Gi}
        k8s_pull_policy: IfNotPresent
        image_pull_secrets: [registry-one, registry-two]
        registry_mirrors:
          quay.io: mirror.example.org/quay
          quay.io/biocontainers: mirror.example.org:5000/bio
          docker.io: mirror.example.org/docker
        requests_cpu: 1500m
        limits_cpu: 4
        requests_memory: 4Gi
        limits_memory: 8g
        requests_ephemeral_storage: 20Gi
        limits_ephemeral_storage: 40Gi
        output_allowance: 30Gi
        k8s_run_as_user_id: 4000
        k8s_run_as_group_id: 4001
        k8s_fs_group_id: 4002
        k8s_supplemental_group_id: $gid
        k8s_read_only_root_filesystem: true
        service_account: galaxy-worker
        k8s_node_selector: |
          pool: galaxy
        k8s_affinity: |
          nodeAffinity:
            requiredDuringSchedulingIgnoredDuringExecution:
              nodeSelectorTerms:
                - matchExpressions:
                    - {key: disk, operator: In, values: [ssd, nvme]}
                    - {key: gpu, operator: DoesNotExist}
                    - {key: cores, operator: Gt, values: ["8"]}
            preferredDuringSchedulingIgnoredDuringExecution:
              - weight: 10
                preference:
                  matchFields: [{key: metadata.name, operator: NotIn, values: [node-1]}]
          podAffinity:
            preferredDuringSchedulingIgnoredDuringExecution:
              - weight: 1
                podAffinityTerm:
                  topologyKey: topology.kubernetes.io/zone
                  namespaces: [galaxy]
                  labelSelector: {matchLabels: {app: cache}}
          podAntiAffinity:
            requiredDuringSchedulingIgnoredDuringExecution:
              - topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchExpressions: [{key: noisy, operator: Exists}]
        k8s_tolerations: |
          - {key: dedicated, operator: Equal, value: galaxy, effect: NoSchedule}
          - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 5}
        k8s_pod_priority_class: galaxy-jobs
        k8s_extra_job_envs: |
          GALAXY_SLOTS: "7"
          GREETING: hello $(POD_UID)
        environment_secrets: LICENCE=licences/tool-key, OTHER=licences/other.key
        k8s_job_metadata:
          labels: {cost-centre: biology}
          annotations: {example.org/contact: "galaxy@example.org, please"}
        k8s_persistent_volume_claims: licences:/licences:r, refs/sub/dir:/refs, refs:/all-refs:r
        k8s_job_ttl_secs_after_finished: 2d
        k8s_walltime_limit: 3600
        """
}

extension String {
    /// Each line that holds something, this many blanks further right.
    func indented(_ count: Int) -> String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : String(repeating: " ", count: count) + $0 }
            .joined(separator: "\n") + (hasSuffix("\n") ? "" : "\n")
    }
}
