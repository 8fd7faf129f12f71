// SPDX-License-Identifier: Apache-2.0

import Kubernetes

/// A container that an administrator puts beside the tool's, such as a licence server or a
/// database. It shares the tool's network and /tmp, and gets no credential.
///
/// One that does not end by itself keeps the pod running; the head ends it when the results are
/// stored.
struct Sidecar: Sendable, Equatable {
    var name: String
    var image: ImageReference
    var command: [String]?
    var args: [String]?
    var workingDirectory: String?
    var environment: [NamedText]
    var ports: [ContainerPort]
    var requests: ToolResources.Amounts
    var limits: ToolResources.Amounts
}
