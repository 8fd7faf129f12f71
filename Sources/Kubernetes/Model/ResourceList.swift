// SPDX-License-Identifier: Apache-2.0

/// All objects of a kind that a selector chose, at one moment.
package struct ResourceList<Resource: ClusterResource>: Sendable {
    package let items: [Resource]
    /// Where a watch goes on from here.
    package let resourceVersion: String
}
