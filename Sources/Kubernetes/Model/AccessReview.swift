// SPDX-License-Identifier: Apache-2.0

/// Whether we may do something, as the server judges it.
package struct AccessReview: Sendable, Equatable {
    package let allowed: Bool
    /// The server's words, often empty.
    package let reason: String
}
