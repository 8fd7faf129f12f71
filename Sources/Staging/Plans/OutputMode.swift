// SPDX-License-Identifier: Apache-2.0

/// What becomes of a job's declared outputs when it has run.
package enum OutputMode: String, Sendable, CaseIterable {
    /// They are copied to where Galaxy looks for them.
    case copy
    /// They stay in the bucket, which is mounted on the head; Galaxy gets links.
    case link
    /// They are copied inside the store to where Galaxy's own S3 object store looks for them.
    case objectStore = "object_store"

    /// Whether outputs stay in the bucket, so that each which is not empty must be an object of its
    /// own.
    package var staysInBucket: Bool { self != .copy }
}
