// SPDX-License-Identifier: Apache-2.0

/// What a watch tells.
package enum ResourceEvent<Resource: ClusterResource>: Sendable {
    /// The whole truth at one moment: what is not in it is gone.
    case listed([Resource])
    /// New, or another version. The same one can come twice.
    case changed(Resource)
    /// Gone; as it was last.
    case deleted(Resource)
    /// The watch is blind from now on, and goes on trying: nothing that is not told has happened,
    /// and nothing has not. Any other event ends it.
    case trouble(KubernetesError)
    /// The watch sees again after trouble, and what it missed follows.
    case recovered
}
