// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// One call of `send`, on its way to the loop thread.
struct Exchange: Sendable {
    /// Names the call for a later cancellation.
    let ticket: UInt64
    let request: HTTPRequest
    let origin: Origin
    let sink: (any HTTPBodySink)?
    let cancellation: Cancellation
    let continuation: CheckedContinuation<Result<HTTPResponse, TransportError>, Never>

    /// Ends the call. Once, as continuations are.
    func finish(_ outcome: Result<HTTPResponse, TransportError>) {
        continuation.resume(returning: outcome)
    }
}

/// Whether a call has been cancelled; set from any thread.
final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    var isRequested: Bool { flag.load(ordering: .acquiring) }

    func request() { flag.store(true, ordering: .releasing) }
}
