// SPDX-License-Identifier: Apache-2.0

/// How the API server calls a kind of object.
package struct ResourceKind: Sendable, Hashable {
    /// Empty for the core group.
    package let group: String
    package let version: String
    /// Lower case and plural, as in URLs and in rules of RBAC.
    package let plural: String

    package init(group: String, version: String, plural: String) {
        self.group = group
        self.version = version
        self.plural = plural
    }

    package static let jobs = ResourceKind(group: "batch", version: "v1", plural: "jobs")
    package static let pods = ResourceKind(group: "", version: "v1", plural: "pods")
    package static let events = ResourceKind(group: "", version: "v1", plural: "events")
}
