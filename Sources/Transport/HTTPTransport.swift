// SPDX-License-Identifier: Apache-2.0

/// Sends HTTP requests.
///
/// Promises every conformance keeps:
/// - One call is one request on the wire: no retry, no redirect, no cookie, no cache.
/// - A response of any status is a result. An error means that there is no complete response: it
///   says whether the request can have reached the server.
/// - A body that ends before its `Content-Length`, or in the middle of a chunk, is an error.
/// - What the body's reader or the sink throws ends the exchange and comes out as the cause of a
///   `TransportError` with code `.bodySource` or `.bodySink`.
/// - Cancelling the task ends the exchange at once and throws code `.cancelled`; the sink gets no
///   byte after the call has returned.
package protocol HTTPTransport: Sendable {
    /// Sends `request`, streams a 2xx body to `sink`, and returns the finished response.
    ///
    /// Without a sink a 2xx body is read and dropped.
    func send(
        _ request: HTTPRequest,
        to sink: (any HTTPBodySink)?
    ) async throws(TransportError) -> HTTPResponse
}
