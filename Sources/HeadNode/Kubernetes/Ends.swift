// SPDX-License-Identifier: Apache-2.0

import Kubernetes

extension Pod {
    /// Whether a container of it runs, as far as its status says.
    var hasRunningContainers: Bool {
        let all = status.initContainerStatuses + status.containerStatuses
        return all.contains { $0.state?.running != nil }
    }
}

extension Job {
    /// Whether it has come to its end.
    var isOver: Bool {
        ["Complete", "Failed"].contains { status.condition($0)?.isTrue == true }
    }
}
