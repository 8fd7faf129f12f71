// SPDX-License-Identifier: Apache-2.0

/// Why a pod does not run yet.
struct PodWait: Sendable, Equatable {
    /// What it waits for, each with a time limit of its own.
    enum Kind: Sendable, Equatable {
        /// A node with room for it.
        case schedule
        /// An image that cannot be pulled.
        case image
        /// A container that cannot be made.
        case container
        /// Kubernetes itself: a Job that has no pod, a pod that no scheduler has looked at. That takes
        /// a moment, or somebody to look.
        case control
        /// What takes its time on every node: volumes, images, the fetch.
        case ordinary
    }

    let kind: Kind
    let text: String
    /// Whether waiting cannot help.
    var isHopeless = false
    /// What the runtime itself said of an image, where this is its word and not the pause after it.
    var cause: String?
}
