// SPDX-License-Identifier: Apache-2.0

/// The names in Galaxy's job configuration that are Galaxy's own or our plugin's: all that are no
/// settings of the head's. As of Galaxy 26.1.
enum GalaxyParameter {
    /// What loads our runner.
    static let ourRunner = "galaxy_s3_executor.runner:S3JobRunner"

    /// What Galaxy takes apart from the parameters of a runner or environment.
    static let apart: Set<String> = [
        "id", "load", "workers", "runner", "tags", "shell", "env", "resubmit", "metrics", "enabled",
    ]

    /// Parameters of a runner that are ours, or every runner's.
    static let ofRunners: Set<String> = [
        "head_node", "config", "output_mode", "metadata", "recheck_missing_job_retries",
    ]

    /// Parameters of an environment that have an effect on a job of ours.
    static let ofEnvironments: Set<String> = [
        "output_mode", "metadata",
        "outputs_to_working_directory", "metadata_strategy", "retry_metadata_internally",
        "cleanup_job", "tmp_dir", "shared_home_dir", "require_container", "use_metadata_binary",
        "tool_evaluation_strategy", "galaxy_infrastructure_url", "real_system_username",
        "external_chown_script", "live_tool_output_reporting", "object_store_id",
        "docker_enabled", "container_override", "docker_container_id_override",
        "docker_image_override", "docker_repo_override", "docker_owner_override",
        "docker_tag_override", "container", "docker_default_container_id", "docker_image",
        "docker_image_default", "docker_repo_default", "docker_owner_default",
        "docker_tag_default", "container_resolvers", "container_resolvers_config_file",
        // Of rules, which stand beside environments.
        "type", "function", "rules_module", "tpv_config_files", "max_held_count",
    ]

    /// Whether it can only be meant for us, at an environment.
    static func isOurs(_ name: String) -> Bool { DestinationParameters.key(name) != nil }

    /// What a name of containers is that Galaxy does not know, if it is near to one that has an effect.
    static func meant(by name: String) -> String? {
        let prefix = "docker_"
        guard name.utf8.starts(with: prefix.utf8), !ofEnvironments.contains(name),
            !ofContainers.contains(name), !name.utf8.starts(with: "docker_env_".utf8)
        else { return nil }
        let known = ofEnvironments.filter { $0.utf8.starts(with: prefix.utf8) }.union(ofContainers)
        let near = EditDistance.nearest(to: name, in: known.sorted())
        return near.flatMap { ofEnvironments.contains($0) ? $0 : nil }
    }

    /// What Galaxy takes where it calls Docker itself.
    private static let ofContainers: Set<String> = [
        "docker_auto_rm", "docker_cmd", "docker_container_id", "docker_cpu", "docker_disk",
        "docker_extra_volumes", "docker_host", "docker_image_cache", "docker_memory", "docker_net",
        "docker_run_extra_arguments", "docker_set_user", "docker_sudo", "docker_sudo_cmd",
        "docker_user_flag", "docker_volume_args", "docker_volumes", "docker_volumes_from",
    ]

    /// Parameters of an environment that other runners use, and why they do nothing here.
    static func whyUseless(_ name: String) -> String? {
        if let why = useless[name] { return why }
        let family = families.first { name.utf8.starts(with: $0.prefix.utf8) }
        return family.flatMap { ofEnvironments.contains(name) ? nil : $0.why }
    }

    private static let useless = [
        "embed_metadata_in_job":
            "metadata are set on Galaxy's machine; `metadata` says how",
        "local_slots": "`requests_cpu` says how many cores a tool has",
        "native_specification": "there is no batch system; `requests_cpu` and the like say it",
        "nativeSpecification": "there is no batch system; `requests_cpu` and the like say it",
        "container_monitor": "interactive tools are not run this way",
        "rewrite_parameters": "paths are never rewritten",
        "dependency_resolution": "tools run in containers",
        "remote_metadata": "metadata are set on Galaxy's machine; `metadata` says how",
        "default_file_action": "all files go through the bucket",
    ]

    private static let families = [
        (prefix: "docker_", why: "no container engine is called; `k8s_…` says what pods are like"),
        (
            prefix: "singularity_",
            why: "pods run Docker images, and local tools run without an image"
        ),
        (prefix: "request_", why: "it is HTCondor's; `requests_cpu` and `requests_memory` say it"),
        (prefix: "submit_", why: "there is no batch system"),
        (prefix: "pulsar_", why: "no Pulsar takes part"),
        (prefix: "amqp_", why: "no Pulsar takes part"),
    ]
}
