// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

/// Whom we trust (F78).
@Suite struct TLSTests {
    private func send(
        to server: OpenSSLServer,
        trust: CurlTransport.Options.Trust
    ) async throws(TransportError) -> HTTPResponse {
        var options = CurlTransport.Options.forTests
        options.trust = trust
        let request = HTTPRequest(.get, "https://127.0.0.1:\(server.port)/secret")
        return try await CurlTransport(options).send(request, to: nil)
    }

    private func failure(
        of server: OpenSSLServer,
        trust: CurlTransport.Options.Trust
    ) async throws -> TransportError {
        let error = await #expect(throws: TransportError.self) {
            try await send(to: server, trust: trust)
        }
        let thrown = try #require(error)
        #expect(!thrown.isRetryable && !thrown.isAmbiguous)
        #expect(!thrown.remedy.isEmpty)
        return thrown
    }

    @Test func `A certificate of the authority we were given`() async throws {
        let server = try OpenSSLServer(name: "IP:127.0.0.1")
        defer { server.stop() }
        let response = try await send(to: server, trust: .pem(server.certificatePEM))
        #expect(response.head.status == 200)
        #expect(response.bodyLength > 0)
    }

    @Test func `A certificate of another authority`() async throws {
        let server = try OpenSSLServer(name: "IP:127.0.0.1")
        let other = try OpenSSLServer(name: "IP:127.0.0.1")
        defer {
            server.stop()
            other.stop()
        }
        for trust in [CurlTransport.Options.Trust.system, .pem(other.certificatePEM)] {
            let error = try await failure(of: server, trust: trust)
            #expect(error.code == .untrusted, "\(error.line)")
            #expect(error.remedy.contains("certificate authority"))
        }
    }

    @Test func `A certificate for another host`() async throws {
        let server = try OpenSSLServer(name: "DNS:other.example")
        defer { server.stop() }
        let error = try await failure(of: server, trust: .pem(server.certificatePEM))
        #expect(error.code == .untrusted, "\(error.line)")
        #expect(error.remedy.contains("host name"))
    }

    @Test(arguments: [
        ("20200101000000Z", "20200102000000Z"), ("20980101000000Z", "20990101000000Z"),
    ])
    func `A certificate whose time is over, or has not come`(
        from: String,
        until: String
    ) async throws {
        let server = try OpenSSLServer(name: "IP:127.0.0.1", validity: (from, until))
        defer { server.stop() }
        let error = try await failure(of: server, trust: .pem(server.certificatePEM))
        #expect(error.code == .untrusted, "\(error.line)")
        #expect(error.remedy.contains("renewed") && error.remedy.contains("clock"))
        #expect(error.isMatterOfServer)
    }

    @Test func `A certificate of long ago whose time is not over`() async throws {
        let validity = ("20200101000000Z", "20990101000000Z")
        let server = try OpenSSLServer(name: "IP:127.0.0.1", validity: validity)
        defer { server.stop() }
        let response = try await send(to: server, trust: .pem(server.certificatePEM))
        #expect(response.head.status == 200)
    }

    @Test func `A connection to one address, the certificate for a name`() async throws {
        let server = try OpenSSLServer(name: "DNS:other.example")
        defer { server.stop() }
        var options = CurlTransport.Options.forTests
        options.trust = .pem(server.certificatePEM)
        options.connectTo = "127.0.0.1:\(server.port)"
        let request = HTTPRequest(.get, "https://other.example/secret")
        let response = try await CurlTransport(options).send(request, to: nil)
        #expect(response.head.status == 200)
    }

    @Test func `A server that speaks only TLS 1.1`() async throws {
        let server = try OpenSSLServer(
            name: "IP:127.0.0.1",
            arguments: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
        )
        defer { server.stop() }
        let error = try await failure(of: server, trust: .pem(server.certificatePEM))
        #expect(error.code == .untrusted, "\(error.line)")
        #expect(error.remedy.contains("TLS 1.2"))
    }

    @Test func `Certificates that are none`() async throws {
        let server = try OpenSSLServer(name: "IP:127.0.0.1")
        defer { server.stop() }
        for bytes in [[], Array("not PEM".utf8)] {
            let error = try await failure(of: server, trust: .pem(bytes))
            #expect(error.code == .usage, "\(error.line)")
        }
    }
}
