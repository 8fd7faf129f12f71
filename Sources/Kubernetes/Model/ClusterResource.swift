// SPDX-License-Identifier: Apache-2.0

/// A kind of Kubernetes object that can be listed and watched.
package protocol ClusterResource: Decodable, Sendable {
    static var kind: ResourceKind { get }
    var metadata: ObjectMeta { get }
}
