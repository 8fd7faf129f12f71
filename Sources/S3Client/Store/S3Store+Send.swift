// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport
import XML

extension S3Store {
    /// The longest answer that is read into memory.
    private static let longestAnswer = XMLReader.longest

    /// Signs and sends `request` once.
    func send(
        _ request: S3Request,
        to sink: (any HTTPBodySink)? = nil
    ) async throws(AttemptFailure) -> HTTPResponseHead {
        let credentials: Credentials
        do { credentials = try await self.credentials.get() } catch { throw .credentials(error) }
        let signer = SigV4Signer(
            credentials: credentials,
            region: corrections.region,
            keys: signingKeys
        )
        let endpoint = options.endpoint
        let path = endpoint.path(request.key)
        let payer = options.requesterPays ? [HTTPField("x-amz-request-payer", "requester")] : []
        let fields = signer.fields(
            signing: request.fields + payer,
            method: request.method.rawValue,
            host: endpoint.hostField,
            path: path,
            query: request.query,
            payload: request.payload,
            at: corrections.corrected(clock.now())
        )
        let query = CanonicalRequest.queryText(request.query)
        let url = endpoint.origin + path + (query.isEmpty ? "" : "?" + query)
        metrics.countRequest(request.call.operation)
        let response: HTTPResponse
        var message = HTTPRequest(
            request.method,
            url,
            fields: fields,
            body: request.body,
            silenceLimit: request.silenceLimit
        )
        if let rate = request.silenceRate { message.silenceRate = rate }
        do { response = try await transport.send(message, to: sink) } catch {
            throw .transport(error)
        }
        guard response.head.isSuccess else {
            var answer = ErrorAnswer(response)
            answer.signer = credentials
            throw .answer(answer)
        }
        return response.head
    }

    /// Signs and sends `request` once, and reads the answer into memory.
    func sendForAnswer(
        _ request: S3Request
    ) async throws(AttemptFailure) -> (head: HTTPResponseHead, body: [UInt8]) {
        let sink = MemorySink(limit: Self.longestAnswer)
        let head: HTTPResponseHead
        do throws(AttemptFailure) {
            head = try await send(request, to: sink)
        } catch {
            if case .transport(let failure) = error, failure.code == .bodySink {
                throw .unreadable("it is longer than \(Self.longestAnswer) bytes")
            }
            throw error
        }
        return (head, sink.bytes)
    }

    /// What is said of the payload of a body that is streamed.
    ///
    /// Its checksum travels in a signed header, or TLS guards it; where neither does, it is read
    /// once more and signed.
    func payload(of body: HTTPBody) throws(AttemptFailure) -> PayloadHash {
        if body.length == 0 { return .empty }
        if sendsChecksums || options.endpoint.isTLS { return .unsigned }
        do {
            let reader = try body.makeReader()
            var hasher = SHA256Hasher()
            var buffer = [UInt8](repeating: 0, count: 1 << 18)
            while true {
                let count = try buffer.withUnsafeMutableBytes { buffer in
                    let count = try reader.read(into: buffer)
                    hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    return count
                }
                if count == 0 { return .digest(hasher.finalize()) }
            }
        } catch {
            throw .transport(
                TransportError(.bodySource, what: "Cannot read what is to be sent", cause: error)
            )
        }
    }
}
