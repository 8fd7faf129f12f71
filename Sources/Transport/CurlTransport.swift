// SPDX-License-Identifier: Apache-2.0

/// HTTP/1.1 over libcurl: one event-loop thread, kept connections, bodies streamed both ways.
///
/// Beside what `HTTPTransport` promises:
/// - Requests beyond the connection limits wait their turn, first come first served for each server.
/// - A transfer holds two buffers (`Options.receiveBufferBytes`, and `uploadBufferBytes` while it
///   sends), whatever the size of its body.
/// - Bodies above 1 MiB wait up to a second for `100 Continue`, so that an early refusal costs
///   nothing, unless the server did what the last request that changes anything wanted of it: then
///   the question would cost a round trip for each body, and nothing is saved. A server that never
///   says it is waited for once, and one that refuses to be asked (417) is sent the request without.
///   One that answers an error while it is still being sent to is not sent the rest.
/// - A server that moves less than 1 KiB/s for as long as `Options.silenceLimit` counts as dead.
/// - The thread ends when the last reference to the transport is gone.
package final class CurlTransport: HTTPTransport {
    /// What all requests together have cost so far; readable at any time.
    package let metrics: TransportMetrics
    private let mailbox: CurlMailbox

    /// Starts the event loop.
    ///
    /// - Throws: `.usage` when an option cannot be used or there is no thread to be had.
    package init(_ options: Options = Options()) throws(TransportError) {
        metrics = TransportMetrics()
        mailbox = try CurlLoop.start(options, metrics)
    }

    deinit { mailbox.stop() }

    package func send(
        _ request: HTTPRequest,
        to sink: (any HTTPBodySink)?
    ) async throws(TransportError) -> HTTPResponse {
        let origin = try Origin(of: request.url)
        let ticket = mailbox.ticket()
        let cancellation = Cancellation()
        let outcome: Result<HTTPResponse, TransportError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                mailbox.post(
                    .start(
                        Exchange(
                            ticket: ticket,
                            request: request,
                            origin: origin,
                            sink: sink,
                            cancellation: cancellation,
                            continuation: continuation
                        )
                    )
                )
            }
        } onCancel: {
            // The flag is for a cancellation that overtakes the start.
            cancellation.request()
            mailbox.post(.cancel(ticket))
        }
        return try outcome.get()
    }
}
