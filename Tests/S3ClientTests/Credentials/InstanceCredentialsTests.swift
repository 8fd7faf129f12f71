// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Synchronization
import TestSupport
import Testing
import Transport

@testable import S3Client

@Suite struct InstanceCredentialsTests {
    static let endpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT"

    private enum Finding: Equatable {
        case found(String)
        case absent(String)
        case failure(S3Error.Code)
    }

    private func find(
        _ environment: [String: String],
        _ transport: ScriptedTransport
    ) async -> Finding {
        let provider = InstanceCredentials(
            environment,
            clock: VirtualClock().storeClock,
            open: { transport }
        )
        do throws(S3Error) {
            switch try await provider.find() {
            case .found(let found): return .found(found.accessKeyID)
            case .absent(let why): return .absent(why)
            }
        } catch { return .failure(error.code) }
    }

    private func find(_ transport: ScriptedTransport) async -> Finding {
        await find([Self.endpoint: "http://127.0.0.1:9"], transport)
    }

    private func found(after replies: ScriptedTransport.Reply...) async -> (Finding, Int) {
        let transport = ScriptedTransport(replies)
        return (await find(transport), transport.requests.count)
    }

    @Test func `a token is fetched, then the role, then its keys`() async throws {
        let transport = MetadataScript.transport
        let provider = InstanceCredentials(
            [Self.endpoint: "http://127.0.0.1:9/"],
            clock: VirtualClock().storeClock,
            open: { transport }
        )
        guard case .found(let found) = try await provider.find() else {
            Issue.record("absent")
            return
        }
        #expect(found.accessKeyID == "ASIAINSTANCE")
        #expect(found.expires == Timestamp(seconds: 1_700_003_600))
        #expect(found.source == "instance metadata at http://127.0.0.1:9, role worker")
        let list = "http://127.0.0.1:9/latest/meta-data/iam/security-credentials/"
        #expect(
            transport.requests.map { "\($0.request.method.rawValue) \($0.request.url)" } == [
                "PUT http://127.0.0.1:9/latest/api/token", "GET \(list)", "GET \(list)worker",
            ]
        )
        #expect(transport.requests[0].field("x-aws-ec2-metadata-token-ttl-seconds") == "60")
        #expect(transport.requests.allSatisfy { $0.request.timeLimit == .seconds(1) })
        #expect(transport.requests[1].field("x-aws-ec2-metadata-token-ttl-seconds") == nil)
    }

    @Test(arguments: ["true", "TRUE", "True"])
    func `switched off, it is not asked`(word: String) async throws {
        let transport = MetadataScript.transport
        let found = await find(
            ["AWS_EC2_METADATA_DISABLED": word, Self.endpoint: "http://127.0.0.1:9"],
            transport
        )
        #expect(
            found
                == .absent("instance metadata: switched off by AWS_EC2_METADATA_DISABLED")
        )
        #expect(transport.requests.isEmpty)
    }

    @Test(arguments: [
        (["AWS_EC2_METADATA_DISABLED": "false"], "http://169.254.169.254/"),
        ([:], "http://169.254.169.254/"),
        (["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"], "http://[fd00:ec2::254]/"),
        (["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv4"], "http://169.254.169.254/"),
        (
            [
                "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6",
                endpoint: "http://[::1]:1338/",
            ], "http://[::1]:1338/"
        ),
    ])
    func `where it is`(environment: [String: String], start: String) async throws {
        let transport = MetadataScript.transport
        #expect(await find(environment, transport) == .found("ASIAINSTANCE"))
        #expect(transport.requests.count == 3)
        #expect(transport.requests.allSatisfy { $0.request.url.hasPrefix(start) })
    }

    @Test(arguments: ["x", "http://", "http://h/path", "http://me:word@h"])
    func `an endpoint that cannot be one`(text: String) async throws {
        let transport = MetadataScript.transport
        #expect(await find([Self.endpoint: text], transport) == .failure(.configuration))
        #expect(transport.requests.isEmpty)
    }

    @Test func `where nobody answers, two requests tell`() async throws {
        for code in [TransportError.Code.unreachable, .interrupted, .unresolved] {
            let (found, requests) = await found(after: .failure(code))
            #expect(
                found
                    == .absent(
                        "instance metadata: http://127.0.0.1:9 does not answer "
                            + "(The script says \(code))"
                    )
            )
            #expect(requests == 2)
        }
    }

    @Test func `a second request may be luckier`() async throws {
        let transport = ScriptedTransport { seen in
            switch seen.number {
            case 1: .failure(.interrupted)
            case 3: MetadataScript.text("", status: 503)
            case 5: .failure(.interrupted)
            default: MetadataScript.answer(to: seen)
            }
        }
        #expect(await find(transport) == .found("ASIAINSTANCE"))
        #expect(transport.requests.count == 6)
    }

    @Test(arguments: [400, 403, 404, 405, 301])
    func `version 1 is never used`(status: Int) async throws {
        let (found, requests) = await found(after: MetadataScript.text("worker", status: status))
        #expect(
            found
                == .absent(
                    "instance metadata: http://127.0.0.1:9 answers \(status) to version 2; "
                        + "version 1 is not used"
                )
        )
        #expect(requests == 1)
    }

    @Test(arguments: ["", "two\nlines", "a b", "\u{E9}", String(repeating: "a", count: 5000)])
    func `what is no token is not sent on`(token: String) async throws {
        let (found, requests) = await found(after: MetadataScript.text(token))
        #expect(
            found
                == .absent(
                    "instance metadata: http://127.0.0.1:9 gives no token; version 1 is not used"
                )
        )
        #expect(requests == 1)
    }

    @Test func `a machine without a role`() async throws {
        for list in [MetadataScript.text("", status: 404), MetadataScript.text(" \n")] {
            let (found, requests) = await found(after: MetadataScript.text("imds-token"), list)
            #expect(
                found
                    == .absent(
                        "instance metadata: http://127.0.0.1:9 knows of no role of this machine"
                    )
            )
            #expect(requests == 2)
        }
    }

    @Test func `a role's name cannot leave its folder`() async throws {
        let transport = ScriptedTransport { seen in
            seen.number == 2
                ? MetadataScript.text("../../x?y#z\r\nother")
                : seen.number == 1 ? MetadataScript.text("imds-token") : MetadataScript.json()
        }
        #expect(await find(transport) == .found("ASIAINSTANCE"))
        #expect(
            transport.requests[2].request.url
                .hasSuffix(
                    "/iam/security-credentials/..%2F..%2Fx%3Fy%23z"
                )
        )
    }

    @Test(arguments: [
        (MetadataScript.json(code: "AssumeRoleUnauthorizedAccess"), S3Error.Code.noCredentials),
        (MetadataScript.text("{}"), .noCredentials),
        (MetadataScript.text("worker"), .noCredentials),
        (MetadataScript.text("", status: 404), .noCredentials),
        (MetadataScript.text("", status: 500), .unavailable),
        (MetadataScript.json(expiration: "2023-11-14T22:13:20Z"), .unavailable),
        (.failure(.interrupted), .unreachable),
    ])
    func `keys that cannot be had end the search`(
        reply: ScriptedTransport.Reply,
        code: S3Error.Code
    ) async throws {
        let transport = ScriptedTransport { MetadataScript.answer(to: $0, keys: reply) }
        #expect(await find(transport) == .failure(code))
    }

    @Test func `a service that is away when keys are renewed leaves the old in use`() async throws {
        let isAway = Mutex(false)
        let transport = ScriptedTransport { seen in
            isAway.withLock { $0 } ? .failure(.unreachable) : MetadataScript.answer(to: seen)
        }
        let clock = VirtualClock()
        let chain = CredentialsChain([
            InstanceCredentials(
                [Self.endpoint: "http://127.0.0.1:9"],
                clock: clock.storeClock,
                open: { transport }
            )
        ])
        let cache = CredentialsCache(chain, clock: clock.storeClock)
        _ = try await cache.get()
        isAway.withLock { $0 = true }
        clock.advance(by: 3000)
        #expect(try await cache.get().accessKeyID == "ASIAINSTANCE")
        clock.advance(by: 600)
        // Only a moment ago it had some: that it is away is no verdict on this machine.
        #expect(await code { () throws(S3Error) in try await cache.get() } == .unavailable)
    }

    @Test func `a service that is silent on a connection is given up`() async throws {
        let server = try StubHTTPServer([.read, .hold], [.read, .hold])
        defer { server.stop() }
        let provider = InstanceCredentials(
            [Self.endpoint: server.url],
            open: { () throws(TransportError) in
                try CurlTransport(MetadataService.transportOptions(trust: .system))
            }
        )
        guard case .absent(let why) = try await provider.find() else {
            Issue.record("found")
            return
        }
        #expect(why.contains("\(server.url) does not answer"))
        #expect(server.connections == 2)
        #expect(server.received.first?.line == "PUT /latest/api/token HTTP/1.1")
    }
}
