// SPDX-License-Identifier: Apache-2.0

import Kubernetes

extension Pod {
    /// Whether its deletion was asked for.
    var isBeingDeleted: Bool { metadata.deletionTimestamp != nil }

    /// Whether one of its containers has begun to run, now or before.
    var hasBegun: Bool {
        (status.initContainerStatuses + status.containerStatuses)
            .contains { $0.state?.running != nil || $0.state?.terminated != nil }
    }

    /// Whether something of it can run. A status tells of a container that has begun only after a
    /// while, so one that a node has counts until all its containers are said to have ended.
    var canRun: Bool {
        if nodeName == nil || ["Succeeded", "Failed"].contains(status.phase) { return false }
        let all = status.initContainerStatuses + status.containerStatuses
        return all.isEmpty || all.contains { $0.state?.terminated == nil }
    }
}

extension Job {
    /// Whether it has come to its end.
    var isOver: Bool {
        ["Complete", "Failed"].contains { status.condition($0)?.isTrue == true }
    }
}
