// SPDX-License-Identifier: Apache-2.0

/// Something that happens during a transfer of one object.
package enum TransferEvent: Sendable, Equatable {
    /// So many more bytes have arrived for good: acknowledged by the store, or written and checked.
    case moved(bytes: Int64)
    /// What had been moved is done again from the start, because of `why`.
    case restarted(attempt: Int, why: String)
}

/// Told of events, from any task; it must not block.
package typealias TransferObserver = @Sendable (TransferEvent) -> Void
