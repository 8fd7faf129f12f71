// SPDX-License-Identifier: Apache-2.0

/// What is asked of the server, in the words of its rules.
struct ClusterCall: Sendable, Equatable {
    enum Verb: String, Sendable {
        case create, get, list, watch, patch, delete
    }

    let verb: Verb
    let kind: ResourceKind
    var subresource: String?
    /// nil for what belongs to no namespace.
    var namespace: String?
    /// nil for the whole collection.
    var name: String?

    /// Whether it changes anything. Reviews are created, and change nothing.
    var isMutating: Bool {
        switch verb {
        case .create: kind != .accessReviews
        case .patch, .delete: true
        case .get, .list, .watch: false
        }
    }

    /// `jobs`, or `pods/log`.
    var resource: String { kind.plural + (subresource.map { "/" + $0 } ?? "") }

    /// `create jobs "a" in namespace "b"`.
    var words: String {
        var text = "\(verb.rawValue) \(resource)"
        if let name { text += " \"\(name)\"" }
        if let namespace { text += " in namespace \"\(namespace)\"" }
        return text
    }
}

extension ResourceKind {
    static let accessReviews = ResourceKind(
        group: "authorization.k8s.io",
        version: "v1",
        plural: "selfsubjectaccessreviews"
    )
    /// Not a resource; it has no namespace, and everybody may read it.
    static let version = ResourceKind(group: "", version: "", plural: "version")
}
