// SPDX-License-Identifier: Apache-2.0

import Diagnostics

extension KubernetesClient {
    /// All Pods that `selector` chooses, as they are now. One request for each 500 of them.
    package func pods(
        _ selector: LabelSelector
    ) async throws(KubernetesError) -> ResourceList<Pod> { try await list(Pod.self, selector) }

    /// The Pod of this name, or nil if the server says that there is none.
    package func pod(_ name: String) async throws(KubernetesError) -> Pod? {
        try await find(Pod.self, name)
    }

    /// What the cluster has to say about an object, oldest first. Clusters forget after an hour.
    package func events(ofUID uid: String) async throws(KubernetesError) -> [ClusterEvent] {
        guard !uid.isEmpty, uid.utf8.allSatisfy({ $0.isLetterDigitOrDash }) else {
            throw KubernetesError(.invalid, what: "\"\(uid.logSafe)\" is no UID")
        }
        let list = try await list(
            ClusterEvent.self,
            .everything,
            fields: "involvedObject.uid=" + uid
        )
        return list.items.sorted { $0.moment.lexicographicallyPrecedes($1.moment) }
    }
}

extension ClusterEvent {
    /// When it happened last, to the second, in a form that sorts.
    fileprivate var moment: Substring.UTF8View {
        (lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "").utf8.prefix(19)
    }
}

extension UInt8 {
    fileprivate var isLetterDigitOrDash: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
