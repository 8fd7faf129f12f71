// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

extension FailureSample {
    /// What somebody wrote into galaxy.yml and job_conf.yml.
    static let configuration: [FailureSample] = [
        galaxy(
            "configuration-misspelt",
            "s3_executor:\n  retires: 3\n  s3: {bucket: galaxy-data}\n"
        ),
        galaxy("configuration-no-bucket", "s3_executor:\n  retries: 3\n"),
        galaxy(
            "configuration-no-number",
            "s3_executor:\n  retries: many\n  s3: {bucket: galaxy-data}\n"
        ),
        galaxy("configuration-tab", "s3_executor:\n\tretries: 3\n"),
        galaxy(
            "configuration-many",
            "s3_executor:\n  retires: 3\n  disruptions: -1\n  s3: {bucket: Galaxy Data}\n"
        ),
        FailureSample("job-configuration-wrong") {
            let text = """
                runners:
                  s3:
                    load: galaxy_s3_executor.runner:S3JobRunner
                execution:
                  environments:
                    ours:
                      runner: s3
                      outputs_to_working_directory: true
                      docker_enabled: true
                      limits_memory: lots
                      limits.waltime: 1h
                """
            let check = JobConfigCheck(
                JobConfig(Array(text.utf8), named: "job_conf.yml", environment: [:]),
                SettingsSources(
                    file: nil,
                    environment: ["HOME": "/home/galaxy", "AWS_REGION": "us-east-1"],
                    flags: ["s3.bucket=galaxy", "kubernetes.worker_image=localhost/worker:1"]
                ),
                executor: .kubernetes
            )
            return .misconfigured(ConfigError(check.problems))
        },
    ]

    private static func galaxy(_ name: String, _ text: String) -> FailureSample {
        FailureSample(name) {
            var resolver = SettingsResolver(
                file: ConfigFile(Array(text.utf8), named: "galaxy.yml"),
                environment: ["HOME": "/home/galaxy"]
            )
            let error = try #require(throws: ConfigError.self) { try resolver.settings() }
            return .misconfigured(error)
        }
    }
}
