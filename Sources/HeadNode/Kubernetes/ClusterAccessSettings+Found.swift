// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Kubernetes
import Names

extension ClusterAccessSettings {
    /// How the cluster is reached, looked for where kubectl looks: the file that is configured, else
    /// `KUBECONFIG`, else `~/.kube/config`, else the service account of the pod that we are in.
    func found(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(KubernetesError) -> ClusterAccess {
        if usesServiceAccount { return try .inCluster(environment: environment) }
        if let configPath { return try kubeconfig("\(configPath)") }
        if let path = environment["KUBECONFIG"], !path.isEmpty {
            guard !path.utf8.contains(UInt8(ascii: ":")) else {
                throw KubernetesError(
                    .configuration,
                    what: "KUBECONFIG names several files",
                    place: path,
                    remedy: "Name one with kubernetes.k8s_config_path."
                )
            }
            return try kubeconfig(path)
        }
        let standard = (environment["HOME"] ?? "") + "/.kube/config"
        if access(standard, F_OK) == 0 { return try kubeconfig(standard) }
        if environment["KUBERNETES_SERVICE_HOST"] != nil {
            return try .inCluster(environment: environment)
        }
        throw KubernetesError(
            .configuration,
            what: "Nothing says how to reach a Kubernetes cluster",
            place: standard,
            remedy: "Set kubernetes.k8s_config_path, or KUBECONFIG, or in a pod "
                + "kubernetes.k8s_use_service_account."
        )
    }

    private func kubeconfig(_ path: String) throws(KubernetesError) -> ClusterAccess {
        try .kubeconfig(path: path, context: context)
    }
}
