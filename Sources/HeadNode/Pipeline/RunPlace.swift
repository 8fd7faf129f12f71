// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics

/// Where in which bucket a run lives. It stays there to its end, whatever the configuration says
/// by then.
struct RunPlace: Codable, Sendable, Equatable, CustomStringConvertible {
    var bucket: String
    /// nil means AWS.
    var endpoint: String?
    var prefix: String
    var instance: String
    /// Which cluster's namespace its tries are in; nil for this machine.
    var cluster: String?
    /// The API server of that cluster, as the head is told it; nil in notes of releases that did not
    /// say so.
    var server: String?

    /// - Parameter server: the API server that the head speaks to, if it does.
    init(_ settings: Settings, server: String? = nil) {
        bucket = settings.storage.bucket
        endpoint = settings.storage.endpoint
        prefix = settings.prefix.description
        instance = settings.instance.description
        if settings.executor == .kubernetes {
            cluster = "namespace \(settings.kubernetes.access.namespace)"
            self.server = server
        }
    }

    var description: String {
        "s3://\(bucket)/\(prefix) at \(endpoint ?? "AWS"), instance \(instance)"
            + (cluster.map { ", on Kubernetes in \($0)" } ?? "")
            + (server.map { " of \(Array($0.utf8).logSafe)" } ?? "")
    }

    /// Whether this is that place, as far as both say where they are.
    func agrees(with other: RunPlace) -> Bool {
        var this = self
        if server == nil || other.server == nil { this.server = other.server }
        return this == other
    }
}

extension RunState {
    /// Refuses to look for the run anywhere but where it began.
    ///
    /// - Throws: `.otherPlace`, naming both places.
    func check(_ here: RunPlace) throws(HeadError) {
        guard let place, !place.agrees(with: here) else { return }
        throw HeadError(
            .otherPlace,
            what: "Run \(run) began in \(place), and the configuration now names \(here)",
            remedy: "Restore the configuration until the run has ended, or cancel it there."
        )
    }
}
