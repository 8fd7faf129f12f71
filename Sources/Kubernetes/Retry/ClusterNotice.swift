// SPDX-License-Identifier: Apache-2.0

/// Something that a person watching may want to know while a call goes on.
package enum ClusterNotice: Sendable, Equatable {
    /// An attempt failed and another follows.
    case retrying(what: String, attempt: Int, pause: Duration, why: String)
    /// The server did not accept our credentials any more; they were read again.
    case credentialsReloaded
    /// What the server says beside an answer (`Warning` header), made safe to print.
    case warning(String)
}

/// Told of notices, from any task; it must not block.
package typealias ClusterObserver = @Sendable (ClusterNotice) -> Void
