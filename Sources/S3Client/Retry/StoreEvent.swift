// SPDX-License-Identifier: Apache-2.0

/// Something that a person watching may want to know while a request goes on.
package enum StoreEvent: Sendable, Equatable {
    /// An attempt failed and another follows.
    case retrying(what: String, attempt: Int, pause: Duration, why: String)
    /// The store's clock and ours differ; requests are signed by the store's from now on.
    case clockCorrected(ours: Timestamp, theirs: Timestamp)
    /// The bucket lives in another region than configured; requests are signed for it from now on.
    case regionCorrected(from: String, to: String)
    /// The store did not accept the credentials; others were looked up, or found.
    case credentialsReloaded
}

/// Told of events, from any task; it must not block.
package typealias StoreObserver = @Sendable (StoreEvent) -> Void
