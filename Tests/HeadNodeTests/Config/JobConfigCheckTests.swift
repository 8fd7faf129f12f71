// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

@Suite struct JobConfigCheckTests {
    private static let runner = """
        runners:
          local: {load: "galaxy.jobs.runners.local:LocalJobRunner", anything: 1}
          s3:
            load: galaxy_s3_executor.runner:S3JobRunner
            workers: 4

        """

    private func check(
        _ text: String,
        executor: Settings.ExecutorKind? = .kubernetes
    ) -> JobConfigCheck {
        let sources = SettingsSources(
            file: nil,
            environment: ["HOME": "/root", "AWS_REGION": "us-east-1"],
            flags: ["s3.bucket=galaxy", "kubernetes.worker_image=localhost/worker:1"]
        )
        let file = JobConfig(Array(text.utf8), named: "job_conf.yml", environment: [:])
        return JobConfigCheck(file, sources, executor: executor)
    }

    /// An environment of ours that is right, with a line more.
    private func environment(
        _ lines: String,
        executor: Settings.ExecutorKind? = .kubernetes
    ) -> JobConfigCheck {
        check(
            Self.runner + """
                execution:
                  environments:
                    ours:
                      runner: s3
                      outputs_to_working_directory: true
                      docker_enabled: true
                      \(lines)
                """,
            executor: executor
        )
    }

    @Test func whatIsDisabledIsGalaxysToPassOver() {
        let found = check(
            Self.runner + """
                  s3old: {load: "galaxy_s3_executor.runner:S3JobRunner", enabled: false, wrokers: 1}
                execution:
                  environments:
                    ours: {runner: s3, outputs_to_working_directory: false, enabled: false}
                    gone: {runner: nowhere, enabled: "no"}
                """
        )
        #expect(found.problems.map(\.line) == [])
        #expect(found.runners == ["s3"])
        #expect(found.environments == [])
    }

    @Test func inGalaxysOwnFileLinesAreItsOwn() {
        let found = check(
            """
            s3_executor: {instance: main}
            galaxy:
              brand: "1"
              job_config:
                runners:
                  s3: {load: "galaxy_s3_executor.runner:S3JobRunner", wrokers: 4}
                execution: {environments: {}}
            """
        )
        #expect(found.runners == ["s3"])
        #expect(found.problems.map(\.line).contains { $0.hasPrefix("job_conf.yml:6:") })
    }

    @Test func anchorsAndMapsAreGalaxys() {
        let found = check(
            Self.runner + """
                execution:
                  default: s3
                  environments:
                    local: {runner: local, whatever: 1}
                    s3: &s3
                      runner: s3
                      outputs_to_working_directory: true
                      docker_enabled: true
                      k8s_node_selector: {pool: galaxy}
                    s3_large:
                      <<: *s3
                      limits_memory: 16Gi
                tools:
                  - {class: local, environment: local}
                  - {class: requires_galaxy, environment: local}
                """
        )
        #expect(found.problems.map(\.line) == [])
        #expect(found.warnings.map(\.line) == [])
        #expect(found.environments == ["s3", "s3_large"])
    }

    @Test(arguments: [
        (
            "limits_memroy: 4Gi",
            "job_conf.yml:12:7: unknown parameter limits_memroy; did you mean limits_memory?; write "
                + "limits_memory"
        ),
        (
            "head_node: /bin/x",
            "job_conf.yml:12:7: head_node is a parameter of runners; write it there"
        ),
        (
            "max_pod_retrials: 2",
            "job_conf.yml:12:7: max_pod_retrials is max_pod_retries now; write max_pod_retries"
        ),
        (
            "metadata: sometimes",
            "job_conf.yml:12:7: metadata is none of its words; write external or internal"
        ),
        (
            "k8s_namespace: other",
            "job_conf.yml:12:7: kubernetes.k8s_namespace holds for galaxy-head-node as a whole, not for "
                + "a destination; delete the parameter; set kubernetes.k8s_namespace in the block "
                + "s3_executor"
        ),
    ])
    func whatIsWrongIsSaidWithItsPlace(_ line: String, _ message: String) {
        let found = environment(line)
        #expect(found.problems.map(\.line) == [message])
    }

    @Test(arguments: [
        ("limits_memory: plenty", "kubernetes.limits_memory"),
        ("limits.walltime: soon", "limits.walltime"),
        ("limits.waltime: 1h", "limits.waltime"),
        ("max_pod_retries: 21", "kubernetes.max_pod_retries"),
        ("kubernetes.requests_cpu: [1, 2]", "kubernetes.requests_cpu"),
    ])
    func valuesAreChecked(_ line: String, _ key: String) throws {
        let problem = try #require(environment(line).problems.first)
        #expect(problem.line.utf8.starts(with: "job_conf.yml:12:7: ".utf8))
        #expect(problem.what.contains(key))
    }

    @Test(arguments: [
        ("docker_volumes: $defaults", "docker_volumes has no effect"),
        ("docker_env_LICENCE: x", "docker_env_LICENCE has no effect"),
        ("docker_memroy: 1g", "docker_memroy has no effect"),
        ("docker_enable: true", "knows docker_enable; did you mean docker_enabled?"),
        ("docker_imgae: busybox", "knows docker_imgae; did you mean docker_image?"),
        ("singularity_enabled: true", "singularity_enabled has no effect"),
        ("k8s_data_volume_claim: x", "kubernetes.k8s_data_volume_claim has no effect"),
        ("embed_metadata_in_job: true", "embed_metadata_in_job has no effect"),
        ("something_else_entirely: 1", "knows something_else_entirely"),
        ("tegs: [large]", "knows tegs; did you mean tags?"),
        (
            "resubmit: [{condition: any_failure, environment: nowhere}]",
            "there is no environment nowhere to send jobs to"
        ),
        ("resubmit: large", "resubmit is no list of maps"),
        ("resubmit: {environment: ours, condition: any_failure}", "resubmit is no list of maps"),
        ("resubmit: [large]", "a step of resubmit is no map"),
        ("resubmit: [{}]", "would come back to ours without end"),
        ("resubmit: [{condition: true, environment: ours}]", "condition in resubmit is no text"),
        (
            "resubmit: [{condition: any_failure, destination: ours}]",
            "Galaxy passes destination in resubmit over"
        ),
        ("tags: large", "tags is no list"),
    ])
    func whatIsOfNoUseIsAWarning(_ line: String, _ words: String) throws {
        let found = environment(line)
        #expect(found.problems.map(\.line) == [])
        let warning = try #require(found.warnings.first)
        #expect(found.warnings.count == 1)
        #expect(warning.what.contains(words))
    }

    @Test(arguments: [
        "resubmit:", "resubmit: []", "tags:", "tags: [large, 5]",
        "resubmit: [{condition: attempt < 3, delay: 30}]",
        "resubmit: [{condition: any_failure, environment: ours, handler: main, delay: \"30\"}]",
    ])
    func whatGalaxyTakesIsNotRemarked(_ line: String) {
        let found = environment(line)
        #expect(found.problems.map(\.line) == [])
        #expect(found.warnings.map(\.line) == [])
    }

    @Test(arguments: ["four", "\"4\"", "0", "-1", "4.5", "[4]", "{}", "", "no"])
    func workersAreANumber(_ text: String) {
        let found = check(Self.runner.replacing("workers: 4", with: "workers: \(text)"))
        #expect(
            found.problems.map(\.line) == [
                "job_conf.yml:5:5: workers is no whole number above 0, so no job would begin; write 4"
            ]
        )
    }

    @Test func whatStandsAtAnAnchorIsSaidOnce() {
        let found = check(
            Self.runner + """
                execution:
                  environments:
                    s3: &s3
                      runner: s3
                      outputs_to_working_directory: true
                      docker_enabled: true
                      limits_memroy: 4Gi
                      docker_volumes: x
                    large: {<<: *s3, limits_memory: 8Gi}
                    larger: {<<: *s3, limits_memory: 16Gi}
                """
        )
        #expect(found.problems.map(\.place) == ["job_conf.yml:12:7"])
        #expect(found.warnings.map(\.place) == ["job_conf.yml:13:7"])
    }

    @Test(arguments: [
        ("runners: []\n", "runners is no map"), ("runners: 5\n", "runners is no map"),
        ("execution: {environments: [{runner: s3}]}\n", "this has no id"),
        ("execution: {environments: [s3]}\n", "this has no id"),
    ])
    func whatGalaxyDoesNotStartWithIsWrong(_ text: String, _ words: String) throws {
        let whole = text.utf8.starts(with: "runners".utf8) ? text : Self.runner + text
        let problem = try #require(check(whole).problems.first)
        #expect(problem.what.contains(words))
    }

    @Test(arguments: [
        "execution: 5\n", "execution: {environments: 5, default: []}\n", "tools: {a: 1}\n",
        "execution: {environments: {s3: 5, t: null, u: [a]}}\n", "tools: [a, {class: [local]}]\n",
    ])
    func whatMakesNoSenseElsewhereIsGalaxysToSay(_ text: String) {
        #expect(check(Self.runner + text).problems.map(\.line) == [])
    }

    @Test(arguments: [
        ("head_nod: /bin/x", "Galaxy does not start with it; write head_node"),
        ("requests_memory: 1Gi", "write it at the environments of this runner"),
        ("k8s_pull_polcy: Always", "did you mean kubernetes.k8s_pull_policy?"),
        ("k8s_pod_retrials: 2", "which is kubernetes.k8s_pod_retries now"),
        ("k8s_pod_retries: many", "kubernetes.k8s_pod_retries: "),
    ])
    func runnersAreChecked(_ line: String, _ words: String) throws {
        let problem = try #require(check(Self.runner + "    \(line)\n").problems.first)
        #expect(problem.line.utf8.starts(with: "job_conf.yml:6:5: ".utf8))
        #expect(problem.line.contains(words))
    }

    @Test func podsNeedContainersAndResultsTheirPlace() {
        let bare = Self.runner + "execution: {environments: {ours: {runner: s3}}}\n"
        #expect(check(bare).problems.map(\.what).count == 1)
        #expect(check(bare).warnings.map(\.what).count == 1)
        #expect(check(bare, executor: .local).problems.isEmpty)
        let wrong =
            Self.runner + """
                execution:
                  environments:
                    - {id: ours, runner: s3, outputs_to_working_directory: "no", docker_enabled: "yes"}
                """
        #expect(
            check(wrong).problems.map(\.what) == [
                "results come back into the job's directory alone"
            ]
        )
    }

    @Test func outputsThatStayInTheBucketAreNotMoved() {
        let found = environment("output_mode: link")
        #expect(found.problems.map(\.what).contains("Galaxy would move outputs out of the bucket"))
    }

    @Test func aNextEnvironmentHasToNameTheLargerLimit() {
        let found = check(
            Self.runner + """
                execution:
                  environments:
                    small:
                      runner: s3
                      outputs_to_working_directory: true
                      docker_enabled: true
                      limits_memory: 1Gi
                      resubmit: [{condition: memory_limit_reached, environment: large}]
                    large:
                      runner: s3
                      outputs_to_working_directory: true
                      docker_enabled: true
                """
        )
        #expect(
            found.warnings.map(\.line) == [
                "job_conf.yml:14:5: large takes over limits_memory from small, whose jobs come here for "
                    + "want of more; write a larger limits_memory here"
            ]
        )
    }

    @Test func whatHidesOthersIsSaid() {
        let found = environment(
            "params: {outputs_to_working_directory: true, docker_enabled: true}"
        )
        #expect(found.problems.isEmpty)
        #expect(
            found.warnings.map(\.what) == [
                "Galaxy passes outputs_to_working_directory over, because ours has params",
                "Galaxy passes docker_enabled over, because ours has params",
            ]
        )
    }

    @Test func toolsOfGalaxysOwnMustNotComeByDefault() {
        let found = check(
            Self.runner + """
                execution:
                  default: ours
                  environments:
                    ours: {runner: s3, outputs_to_working_directory: true, docker_enabled: true}
                tools:
                  - {class: local, environment: ours}
                """
        )
        #expect(found.problems.isEmpty)
        #expect(
            found.warnings.map(\.what) == [
                "tools of the class requires_galaxy need Galaxy's files, and come to ours"
            ]
        )
    }

    @Test(arguments: ["", "runners: [", "other: 1\n", "runners: {a: 1, a: 2}\n"])
    func whatIsNoJobConfigurationIsSaid(_ text: String) {
        #expect(check(text).problems.count == 1)
    }

    /// Each of twenty anchors stands for nine of the one before.
    @Test func aliasesWithinAliasesComeToAnEnd() {
        var text = Self.runner + "    head_node: &a0 [x]\n"
        for level in 1..<20 {
            let nine = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "    k8s_x\(level): &a\(level) [\(nine)]\n"
        }
        #expect(check(text).problems.contains { $0.what.contains("more values than anybody") })
    }
}
