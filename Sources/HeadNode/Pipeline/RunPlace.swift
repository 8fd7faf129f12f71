// SPDX-License-Identifier: Apache-2.0

import Contract

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

    init(_ settings: Settings) {
        bucket = settings.storage.bucket
        endpoint = settings.storage.endpoint
        prefix = settings.prefix.description
        instance = settings.instance.description
        if settings.executor == .kubernetes {
            cluster = "namespace \(settings.kubernetes.access.namespace)"
        }
    }

    var description: String {
        "s3://\(bucket)/\(prefix) at \(endpoint ?? "AWS"), instance \(instance)"
            + (cluster.map { ", on Kubernetes in \($0)" } ?? "")
    }
}

extension RunState {
    /// Refuses to look for the run anywhere but where it began.
    ///
    /// - Throws: `.otherRun`, naming both places.
    func check(_ settings: Settings) throws(HeadError) {
        let here = RunPlace(settings)
        guard let place, place != here else { return }
        throw HeadError(
            .otherRun,
            what: "Run \(run) began in \(place), and the configuration now names \(here)",
            remedy: "Restore the configuration until the run has ended, or cancel it there."
        )
    }
}
