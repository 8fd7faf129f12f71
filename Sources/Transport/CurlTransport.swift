// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// HTTP/1.1 over libcurl: event-loop threads, kept connections, bodies streamed both ways.
///
/// Beside what `HTTPTransport` promises:
/// - There is one event loop, and up to `Options.threads` of them, each with connections of its own,
///   once there is work for more than one (`LoopChoice`). A request stays with the loop that it began
///   with.
/// - Requests beyond a loop's share of the connection limits wait their turn, first come first served
///   for each server.
/// - A transfer holds two buffers (`Options.receiveBufferBytes`, and `uploadBufferBytes` while it
///   sends), whatever the size of its body.
/// - Bodies above 1 MiB wait up to a second for `100 Continue`, so that an early refusal costs
///   nothing, unless the server did what the last request that changes anything wanted of it: then
///   the question would cost a round trip for each body, and nothing is saved. A server that never
///   says it is waited for once by each loop, and one that refuses to be asked (417) is sent the
///   request without. One that answers an error while it is still being sent to is not sent the rest.
/// - A server that moves less than 1 KiB/s for as long as `Options.silenceLimit` counts as dead.
/// - The threads end when the last reference to the transport is gone.
package final class CurlTransport: HTTPTransport {
    /// What all requests together have cost so far; readable at any time.
    package let metrics: TransportMetrics
    private let options: Options
    private let loops: Mutex<Loops>

    /// The loops that run, and what each has to do.
    private struct Loops {
        var choice: LoopChoice
        var mailboxes: [CurlMailbox]
    }

    /// Starts the first event loop.
    ///
    /// - Throws: `.usage` when an option cannot be used or there is no thread to be had.
    package init(_ options: Options = Options()) throws(TransportError) {
        metrics = TransportMetrics()
        self.options = options.share
        let first = try CurlLoop.start(self.options, metrics)
        loops = Mutex(Loops(choice: LoopChoice(loops: options.threads), mailboxes: [first]))
    }

    deinit {
        for mailbox in loops.withLock({ $0.mailboxes }) { mailbox.stop() }
    }

    /// A loop for one request, started if it is the first that needs it; counted until `end`.
    private func begin() -> (loop: Int, mailbox: CurlMailbox) {
        loops.withLock { loops in
            let index = loops.choice.begin()
            if index == loops.mailboxes.count {
                // Where no other thread is to be had, the first does that one's work too.
                let next = try? CurlLoop.start(options, metrics)
                loops.mailboxes.append(next ?? loops.mailboxes[0])
            }
            return (index, loops.mailboxes[index])
        }
    }

    private func end(_ loop: Int) {
        loops.withLock { $0.choice.end(loop) }
    }

    package func send(
        _ request: HTTPRequest,
        to sink: (any HTTPBodySink)?
    ) async throws(TransportError) -> HTTPResponse {
        let origin = try Origin(of: request.url)
        let (loop, mailbox) = begin()
        defer { end(loop) }
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
