// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

/// TLS connections that end without a goodbye (close_notify), as whoever sits in between may end them:
/// a body that says where it ends is whole, or there is an error that is tried again (F78).
///
/// One that ends with its connection is not looked at: libcurl has OpenSSL ignore that the goodbye is
/// missing. `LineTroubleTests` has what becomes of it.
@Suite struct GoodbyeTests {
    /// What says goodbye is the server's last record: a head of 5 bytes, 2 of its own, 17 of TLS 1.3.
    private static let goodbye = 24
    private static let body = StubHTTPServer.pattern(100_000)

    /// How a body says where it ends.
    enum Form: CaseIterable, Sendable {
        case length, chunk

        var answer: [UInt8] {
            let count = GoodbyeTests.body.count
            return switch self {
            case .length:
                Array("HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n".utf8) + body
            case .chunk:
                Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
                    + Array("\(String(count, radix: 16))\r\n".utf8) + body
                    + Array("\r\n0\r\n\r\n".utf8)
            }
        }
    }

    /// What comes of an answer whose last bytes do not come.
    private func get(
        _ form: Form,
        withholding count: Int
    ) async throws -> Result<[UInt8], TransportError> {
        let server = try OpenSSLServer(
            name: "DNS:store.example",
            answer: form.answer,
            arguments: ["-tls1_3"]
        )
        defer { server.stop() }
        let between = try StubHTTPServer([.relay(to: server.port, withholding: count)])
        defer { between.stop() }
        var options = CurlTransport.Options.forTests
        options.trust = .pem(server.certificatePEM)
        options.connectTo = "127.0.0.1:\(between.port)"
        let sink = MemorySink(limit: 1 << 20)
        let request = HTTPRequest(.get, "https://store.example/secret")
        do throws(TransportError) {
            _ = try await CurlTransport(options).send(request, to: sink)
            return .success(sink.bytes)
        } catch { return .failure(error) }
    }

    @Test(arguments: Form.allCases) func `With a goodbye every body is whole`(
        form: Form
    ) async throws {
        #expect(try await get(form, withholding: 0).get() == Self.body)
    }

    @Test(arguments: Form.allCases)
    func `A body that says where it ends needs no goodbye`(form: Form) async throws {
        #expect(try await get(form, withholding: Self.goodbye).get() == Self.body)
    }

    @Test(arguments: Form.allCases, [1, 10_000, 90_000])
    func `A body that lacks something is never taken for whole`(
        form: Form,
        missing: Int
    ) async throws {
        let outcome = try await get(form, withholding: Self.goodbye + missing)
        let error = try #require(throws: TransportError.self) { try outcome.get() }
        #expect(error.isRetryable && error.isAmbiguous, "\(error.line)")
        #expect([.truncated, .interrupted].contains(error.code), "\(error.line)")
    }
}
