// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Transport

/// A server that exists only as a function from requests to answers.
package final class ScriptedTransport: HTTPTransport {
    /// What one request gets.
    package enum Reply: Sendable {
        case answer(status: Int, fields: [HTTPField] = [], body: [UInt8] = [])
        /// A successful answer that breaks off after these bytes of its body.
        case cut(status: Int, fields: [HTTPField], body: [UInt8])
        case failure(TransportError.Code)
    }

    /// One request as it came, its body read.
    package struct Seen: Sendable {
        package let request: HTTPRequest
        package let body: [UInt8]
        /// 1 for the first.
        package let number: Int

        package func field(_ name: String) -> String? {
            request.fields.first { $0.name == name }?.value
        }
    }

    private let seen = Mutex<[Seen]>([])
    private let script: @Sendable (Seen) async -> Reply

    package init(_ script: @escaping @Sendable (Seen) async -> Reply) { self.script = script }

    /// Plays `replies` one after the other, the last again and again.
    package convenience init(_ replies: [Reply]) {
        self.init { seen in replies[min(seen.number, replies.count) - 1] }
    }

    /// All requests so far.
    package var requests: [Seen] { seen.withLock { $0 } }

    package func send(
        _ request: HTTPRequest,
        to sink: (any HTTPBodySink)?
    ) async throws(TransportError) -> HTTPResponse {
        if Task.isCancelled { throw TransportError(.cancelled, what: "Cancelled") }
        let body: [UInt8]
        do { body = try request.body.map(Self.read) ?? [] } catch {
            throw TransportError(.bodySource, what: "Cannot read the body", cause: error)
        }
        let item = seen.withLock { seen in
            let item = Seen(request: request, body: body, number: seen.count + 1)
            seen.append(item)
            return item
        }
        switch await script(item) {
        case .failure(let code): throw TransportError(code, what: "The script says \(code)")
        case .answer(let status, let fields, let body):
            return try deliver(status, fields, body, to: sink)
        case .cut(let status, let fields, let body):
            _ = try deliver(status, fields, body, to: sink)
            throw TransportError(.truncated, what: "The script cut the body")
        }
    }

    private func deliver(
        _ status: Int,
        _ fields: [HTTPField],
        _ body: [UInt8],
        to sink: (any HTTPBodySink)?
    ) throws(TransportError) -> HTTPResponse {
        let head = HTTPResponseHead(status: status, fields: fields)
        guard head.isSuccess else {
            return HTTPResponse(head: head, errorBody: body, bodyLength: Int64(body.count))
        }
        do {
            try sink?.begin(head)
            if !body.isEmpty { try body.withUnsafeBytes { try sink?.write($0) } }
        } catch {
            throw TransportError(.bodySink, what: "The sink refused", cause: error)
        }
        return HTTPResponse(head: head, errorBody: [], bodyLength: Int64(body.count))
    }

    private static func read(_ body: HTTPBody) throws -> [UInt8] {
        let reader = try body.makeReader()
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }
}
