// SPDX-License-Identifier: Apache-2.0

/// What a watch tells.
package enum ResourceEvent<Resource: ClusterResource>: Sendable {
    /// The whole truth: what is not in it is gone.
    case listed([Resource])
    /// New, or another version. The same one can come twice.
    case changed(Resource)
    /// Gone; as it was last.
    case deleted(Resource)
    /// Nothing is known from now on until the next event. The watch goes on.
    case trouble(KubernetesError)
}
