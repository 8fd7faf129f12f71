// SPDX-License-Identifier: Apache-2.0

/// Whose numbers the containers of a pod have, unless the configuration names others.
struct PodUser: Sendable, Equatable {
    var user: Int64
    var group: Int64

    /// Galaxy's own on this machine; nobody's where Galaxy is root.
    static var galaxys: PodUser {
        let own = LocalUser.own
        return PodUser(user: Int64(own.user), group: Int64(own.group))
    }
}
