// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import TestSupport
import Testing
import Transport

@testable import S3Client

@Suite struct ContainerCredentialsTests {
    static let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    static let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    static let token = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
    static let tokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

    /// Looks once with a script for the endpoint.
    private func find(
        _ environment: [String: String],
        _ replies: [ScriptedTransport.Reply] = [MetadataScript.json(code: nil)]
    ) async throws -> (found: Credentials, asked: [ScriptedTransport.Seen]) {
        let transport = ScriptedTransport(replies)
        let provider = ContainerCredentials(
            environment,
            clock: VirtualClock().storeClock,
            open: { transport }
        )
        guard case .found(let found) = try await provider.find() else {
            throw ChildProcess.Failure(description: "absent")
        }
        return (found, transport.requests)
    }

    private func failure(
        _ environment: [String: String],
        _ replies: ScriptedTransport.Reply...
    ) async -> (error: S3Error?, requests: Int) {
        let transport = ScriptedTransport(replies)
        let clock = VirtualClock()
        let provider = ContainerCredentials(
            environment,
            clock: clock.storeClock,
            open: { transport }
        )
        do throws(S3Error) {
            _ = try await provider.find()
            return (nil, transport.requests.count)
        } catch { return (error, transport.requests.count) }
    }

    // MARK: where

    @Test(arguments: [
        "https://keys.example.org/task?id=1", "http://127.0.0.1:8080/", "http://127.0.0.1",
        "http://127.1.2.3/x", "http://localhost:51679/x", "http://[::1]:80/x",
        "http://169.254.170.2/v2/x", "http://169.254.170.23/v1/credentials",
        "http://[fd00:ec2::23]/v1/credentials", "https://10.0.0.1",
    ])
    func `endpoints that may be asked`(url: String) async throws {
        let (found, asked) = try await find([Self.full: url])
        #expect(found.accessKeyID == "ASIAINSTANCE")
        #expect(found.secretKey.reveal() == "secret-of-ASIAINSTANCE")
        #expect(found.sessionToken?.reveal() == "session/token=")
        #expect(found.expires == Timestamp(seconds: 1_700_003_600))
        #expect(asked.map(\.request.url) == [url])
        #expect(asked.first?.request.method == .get)
        #expect(asked.first?.request.timeLimit == .seconds(2))
        #expect(asked.first?.field("authorization") == nil)
    }

    @Test(arguments: [
        "http://keys.example.org/task", "http://10.0.0.1/x", "http://169.254.169.254/x",
        "http://169.254.170.2.example.org/x", "http://169.254.170.2@example.org/x",
        "http://127.0.0.1.example.org/", "http://localhost.example.org/", "http://[fd00:ec2::24]/",
        "ftp://127.0.0.1/", "127.0.0.1/x", "http:", "http://", "x", "http://127.0.0.1/a b",
        "http://127.0.0.1/a\r\nx: y", "http://127.0.0.1#@example.org/",
        "http://127.0.0.1\\@example.org/",
    ])
    func `endpoints that may not`(url: String) async throws {
        let (error, requests) = await failure([Self.full: url, Self.token: "token-word"])
        #expect(error?.code == .configuration)
        #expect(error?.line.contains(Self.full) == true)
        #expect(error?.line.contains("token-word") == false)
        #expect(requests == 0)
    }

    @Test func `the address of ECS stands before a relative path, which wins`() async throws {
        let (_, asked) = try await find([
            Self.relative: "/v2/credentials/1?a=b", Self.full: "https://keys.example.org/",
        ])
        #expect(asked.map(\.request.url) == ["http://169.254.170.2/v2/credentials/1?a=b"])
        for odd in [".example.org/", "@example.org/", "x", "/a b"] {
            let (error, requests) = await failure([Self.relative: odd])
            #expect(error?.code == .configuration)
            #expect(requests == 0)
        }
    }

    @Test func `without either variable there is nothing to ask`() async throws {
        let provider = ContainerCredentials([Self.full: "", Self.token: "x"]) {
            () throws(TransportError) in
            throw TransportError(.usage, what: "asked for")
        }
        guard case .absent(let why) = try await provider.find() else {
            Issue.record("found")
            return
        }
        #expect(why.contains(Self.relative) && why.contains(Self.full))
    }

    // MARK: the token

    @Test func `the token of the variable is sent`() async throws {
        let (_, asked) = try await find([
            Self.full: "http://localhost/", Self.token: "Basic abc=",
        ])
        #expect(asked.first?.field("authorization") == "Basic abc=")
    }

    @Test func `the file's token wins, and is read each time`() async throws {
        let folder = try CredentialsChainTests.Home(token: "one\n")
        let environment = [
            Self.full: "http://169.254.170.23/v1/credentials", Self.token: "other",
            Self.tokenFile: folder.path + "/token",
        ]
        #expect(try await find(environment).asked.first?.field("authorization") == "one")
        try ChildProcess.write(Array("two".utf8), to: folder.path + "/token")
        #expect(try await find(environment).asked.first?.field("authorization") == "two")
        unlink(folder.path + "/token")
        let (error, requests) = await failure(environment)
        #expect(error?.code == .noCredentials)
        #expect(error?.line.contains("\(folder.path)/token does not exist") == true)
        #expect(requests == 0)
    }

    @Test(arguments: ["a\r\nx: y", "a\u{7F}", "\u{E9}", " ", "a\nb"])
    func `a token that is no header's value is not sent, nor shown`(token: String) async throws {
        let (error, requests) = await failure([
            Self.full: "http://localhost/", Self.token: token,
        ])
        #expect(error?.code == .noCredentials)
        #expect(error?.line.contains("x: y") == false)
        #expect(requests == 0)
    }

    // MARK: answers

    @Test func `keys that stay have no end`() async throws {
        let (found, _) = try await find(
            [Self.full: "http://localhost/"],
            [MetadataScript.json(id: "AKIASTAYS", token: nil, expiration: nil, code: nil)]
        )
        #expect(found.expires == nil)
        #expect(found.sessionToken == nil)
    }

    @Test(arguments: [
        MetadataScript.text("<html>token-word</html>"), MetadataScript.text(""),
        MetadataScript.text("{}"), MetadataScript.text("[1]"),
        MetadataScript.text("{\"AccessKeyId\": \"A\"}"),
        MetadataScript.json(expiration: "tomorrow"), MetadataScript.json(id: ""),
        MetadataScript.json(id: "A B"),
        MetadataScript.text(
            "{\"code\": \"InvalidToken\", \"message\": \"token-word\"}",
            status: 400
        ),
        MetadataScript.text("token-word", status: 403), MetadataScript.text("", status: 404),
        .answer(status: 302, fields: [HTTPField("location", "http://evil.example")]),
        MetadataScript.text(String(repeating: " ", count: 1 << 17)),
    ])
    func `answers that cannot be used`(reply: ScriptedTransport.Reply) async throws {
        let environment = [
            Self.full: "http://localhost:8080/path-word", Self.token: "token-word",
        ]
        let (error, requests) = await failure(environment, reply)
        #expect(error?.code == .noCredentials)
        #expect(
            error?.line.contains("localhost") == true || error?.what.contains("container") == true
        )
        #expect(error?.line.contains("-word") == false)
        #expect(requests == 1)
    }

    @Test func `an endpoint in trouble is asked three times`() async throws {
        let environment = [Self.full: "http://localhost/"]
        let busy = MetadataScript.text("", status: 500)
        let (found, asked) = try await find(
            environment,
            [busy, .failure(.interrupted), MetadataScript.json(code: nil)]
        )
        #expect(found.accessKeyID == "ASIAINSTANCE")
        #expect(asked.count == 3)
        for reply in [
            busy, .failure(.unreachable), MetadataScript.text("", status: 429),
            MetadataScript.json(expiration: "2020-01-01T00:00:00Z"),
        ] {
            let (error, requests) = await failure(environment, reply)
            #expect(error?.isRetryable == true)
            #expect(requests == 3)
        }
    }

    @Test func `they are renewed ahead of their end`() async throws {
        let clock = VirtualClock()
        let transport = ScriptedTransport([
            MetadataScript.json(id: "ASIAONE"),
            MetadataScript.json(id: "ASIATWO", expiration: "2023-11-15T00:13:20Z"),
        ])
        let cache = CredentialsCache(
            ContainerCredentials(
                [Self.full: "http://localhost/"],
                clock: clock.storeClock,
                open: { transport }
            ),
            clock: clock.storeClock
        )
        #expect(try await cache.get().accessKeyID == "ASIAONE")
        clock.advance(by: 3600 - CredentialsCache.renewalSeconds)
        #expect(try await cache.get().accessKeyID == "ASIAONE")
        clock.advance(by: 1)
        #expect(try await cache.get().accessKeyID == "ASIATWO")
        #expect(transport.requests.count == 2)
    }

    // MARK: over a connection

    @Test func `a real connection, and no proxy`() async throws {
        #expect(MetadataService.transportOptions(trust: .system).proxy?.reveal() == "")
        let body = #"{"AccessKeyId":"ASIAWIRE","SecretAccessKey":"s","Token":"t"}"#
        let server = try StubHTTPServer(
            [
                .read,
                .send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"),
            ]
        )
        defer { server.stop() }
        let provider = ContainerCredentials(
            [Self.full: server.url + "/v1/credentials?x=y", Self.token: "wire-token"],
            open: { () throws(TransportError) in
                try CurlTransport(MetadataService.transportOptions(trust: .system))
            }
        )
        guard case .found(let found) = try await provider.find() else {
            Issue.record("absent")
            return
        }
        #expect(found.accessKeyID == "ASIAWIRE")
        let request = try #require(server.received.first)
        #expect(request.line == "GET /v1/credentials?x=y HTTP/1.1")
        #expect(request.field("authorization") == "wire-token")
    }
}
