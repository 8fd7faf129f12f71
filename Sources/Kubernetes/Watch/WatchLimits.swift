// SPDX-License-Identifier: Apache-2.0

/// The times and the sizes of a watch.
package struct WatchLimits: Sendable, Equatable {
    /// How long the server is asked to keep one stream open.
    package var stream: Duration = .seconds(25)
    /// How long nothing at all may come before a stream counts as dead. More than `stream`.
    package var silence: Duration = .seconds(30)
    /// How often everything is listed although nothing seems to be missing.
    package var relist: Duration = .seconds(600)
    /// The longest line that is read.
    package var lineBytes = 8 << 20
    /// What may have come and not been handled; then the stream is cut, and resumed later.
    package var waitingBytes = 32 << 20

    package init() {}
}
