// SPDX-License-Identifier: Apache-2.0

/// An Event (v1): what a part of the cluster has to say about an object.
package struct ClusterEvent: ClusterResource, Equatable {
    package static let kind = ResourceKind.events

    package var metadata: ObjectMeta
    /// Such as `FailedScheduling`.
    package var reason: String?
    package var message: String?
    /// `Normal` or `Warning`.
    package var type: String?
    package var count: Int?
    /// RFC 3339; nil where the newer events API left it empty.
    package var lastTimestamp: String?
    /// RFC 3339 with microseconds; what the newer events API has.
    package var eventTime: String?
}
