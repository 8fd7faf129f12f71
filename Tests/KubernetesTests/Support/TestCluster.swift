// SPDX-License-Identifier: Apache-2.0

import Glibc
import Kubernetes
import Synchronization

/// The real cluster that tests may use: `eval "$(Scripts/cluster env)"`, then
/// `GALAXY_S3_TEST_CLUSTER=$GALAXY_S3_CLUSTER_KUBECONFIG swift test --filter KubernetesTests`.
enum TestCluster {
    static let kubeconfig = environment("GALAXY_S3_TEST_CLUSTER")
    static let restart = environment("GALAXY_S3_TEST_CLUSTER_RESTART")

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    static func client() throws -> KubernetesClient {
        let access = try ClusterAccess.kubeconfig(path: kubeconfig ?? "")
        return try KubernetesClient(access, namespace: access.namespace ?? "default")
    }

    /// A Job of one container with a shell in it.
    static func manifest(
        _ name: String,
        _ script: String,
        labels: [String: String] = [:]
    ) -> [UInt8] {
        let all = labels.merging(["galaxy-s3-test": "kubernetes"]) { a, _ in a }
        let text = all.map { #""\#($0)":"\#($1)""# }.joined(separator: ",")
        return Array(
            """
            {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"\(name)","labels":{\(text)}},
             "spec":{"backoffLimit":0,"template":{"metadata":{"labels":{\(text)}},
              "spec":{"restartPolicy":"Never","containers":[{"name":"tool",
               "image":"localhost/busybox:1","command":["sh","-c","\(script)"]}]}}}}
            """
            .utf8
        )
    }
}

/// What came, for a test that looks at it from elsewhere.
final class Collected<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    var all: [Element] { elements.withLock { $0 } }

    func add(_ element: Element) { elements.withLock { $0.append(element) } }
}
