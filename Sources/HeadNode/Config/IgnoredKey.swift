// SPDX-License-Identifier: Apache-2.0

/// Parameters of Galaxy's own Kubernetes runner that are taken without an error and without an
/// effect, so that a working configuration can be moved over as it is.
struct IgnoredKey: Sendable {
    /// With dots, such as `kubernetes.k8s_data_volume_claim`.
    let path: String
    let why: String

    /// In the order of the documentation.
    static let all: [IgnoredKey] = [
        IgnoredKey("k8s_data_volume_claim", "inputs and outputs go through the bucket"),
        IgnoredKey("k8s_working_volume_claim", "the job directory goes through the bucket"),
        IgnoredKey("k8s_job_api_version", "it is always batch/v1, which every server has"),
        IgnoredKey("k8s_timeout_seconds_job_deletion", "nothing waits for a Job to be gone"),
        IgnoredKey("k8s_interactivetools_use_ssl", interactive),
        IgnoredKey("k8s_interactivetools_ingress_annotations", interactive),
        IgnoredKey("k8s_interactivetools_ingress_class", interactive),
        IgnoredKey("k8s_interactivetools_tls_secret", interactive),
        IgnoredKey("k8s_ingress_api_version", interactive),
    ]

    private static let interactive = "interactive tools are not run this way"

    private init(_ name: String, _ why: String) {
        path = "kubernetes.\(name)"
        self.why = why
    }

    /// The row of this path; nil when there is none.
    static func at(_ path: String) -> IgnoredKey? {
        all.first { $0.path.utf8.elementsEqual(path.utf8) }
    }

    /// `GALAXY_S3_EXECUTOR_KUBERNETES_…`.
    var environmentName: String { ConfigKey.environmentName(of: path) }

    /// What whoever set it is told.
    func warning(at origin: ConfigEntry.Origin) -> ConfigProblem {
        ConfigProblem(
            at: origin,
            what: "\(path) has no effect: \(why)",
            remedy: "Delete it."
        )
    }
}
