// SPDX-License-Identifier: Apache-2.0

import Names

/// What a supervisor runs, shaped like a pod: containers that run first, one after the other, then
/// containers that run at once. It holds no secret.
struct LocalPod: Codable, Sendable, Equatable {
    struct Container: Codable, Sendable, Equatable {
        var name: String
        var command: [ByteString]
        /// Whether it gets the supervisor's credentials.
        var hasCredentials: Bool
    }

    /// Who the containers are on this machine, if not the supervisor's own user.
    var user: UInt32?

    /// Each must end with status 0 before the next begins.
    var initContainers: [Container]
    /// Run at once. The last one's status is the pod's, and its end ends the others.
    var containers: [Container]
}
