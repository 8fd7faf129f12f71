// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Transport

extension KubernetesClient {
    /// The longest answer that is read into memory: a page of 500 large objects is below.
    static let longestAnswer = 64 << 20

    /// Runs attempts at `call` as the rules and the bounds say.
    func run<Answer>(
        _ call: ClusterCall,
        attempt: (_ pass: ClusterLink.Pass, _ mayHaveHappened: Bool) async throws(CallFailure) ->
            Answer
    ) async throws(KubernetesError) -> Answer {
        var generation = 0
        let loop = CallLoop(retry: retry, clock: clock, observe: observe, explanation: explanation)
        return try await loop.run(
            call,
            reloadCredentials: { link.refuse(generation) },
            attempt: { mayHaveHappened throws(CallFailure) in
                let pass: ClusterLink.Pass
                do throws(KubernetesError) { pass = try await link.pass() } catch {
                    throw .login(error)
                }
                generation = pass.generation
                return try await attempt(pass, mayHaveHappened)
            }
        )
    }

    /// Sends `request` until it succeeds, and reads the answer as `Answer`.
    func send<Answer: Decodable>(
        _ request: ClusterRequest,
        as type: Answer.Type
    ) async throws(KubernetesError) -> Answer {
        try await run(request.call) { pass, _ throws(CallFailure) in
            try Self.decode(type, try await sendOnce(request, pass))
        }
    }

    /// Sends `request` once and reads the answer into memory.
    func sendOnce(
        _ request: ClusterRequest,
        _ pass: ClusterLink.Pass
    ) async throws(CallFailure) -> [UInt8] {
        let sink = MemorySink(limit: Self.longestAnswer)
        try await send(request, pass, on: pass.transports.calls, to: sink)
        return sink.bytes
    }

    /// Sends `request` once.
    func send(
        _ request: ClusterRequest,
        _ pass: ClusterLink.Pass,
        on transport: any HTTPTransport,
        to sink: any HTTPBodySink
    ) async throws(CallFailure) {
        var fields = pass.fields
        fields.append(HTTPField("accept", request.accept))
        if request.body != nil { fields.append(HTTPField("content-type", request.contentType)) }
        var message = HTTPRequest(
            request.method,
            link.address.base + request.url.text,
            fields: fields,
            body: request.body.map { .bytes($0) },
            silenceLimit: request.silenceLimit
        )
        message.silenceRate = request.silenceRate
        let response: HTTPResponse
        do throws(TransportError) { response = try await transport.send(message, to: sink) } catch {
            throw .transport(error)
        }
        for field in response.head.fields where field.name == "warning" {
            observe(.warning(field.value.utf8.prefix(1000).logSafe))
        }
        guard response.head.isSuccess else { throw .answer(Refusal(response)) }
    }

    static func decode<Answer: Decodable>(
        _ type: Answer.Type,
        _ bytes: [UInt8]
    ) throws(CallFailure) -> Answer {
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw .unreadable(words(error))
        }
    }

    /// What is wrong with JSON, and where in it; never what it holds.
    static func words(_ error: any Error) -> String {
        switch error {
        case DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context),
            DecodingError.keyNotFound(_, let context):
            let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
            return "\"\(path.joined(separator: ".").logSafe)\" is not what it should be"
        default: return "it is not the JSON that it should be"
        }
    }

    var explanation: ClusterExplanation {
        ClusterExplanation(server: link.access.server, origin: link.access.origin)
    }
}
