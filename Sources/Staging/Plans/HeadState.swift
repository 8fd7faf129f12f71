// SPDX-License-Identifier: Apache-2.0

/// What the head keeps in a job directory of its own.
package enum HeadState {
    /// The directory, directly in the job directory. It never travels.
    package static let directoryName = "galaxy_s3"
}
