// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Glibc
import Names
import TestSupport
import Testing
import Transport

@testable import S3Client

@Suite struct CredentialsChainTests {
    /// A home directory that is removed at the end.
    final class Home: Sendable {
        let path = "/tmp/galaxy-s3-home-" + Hex.encode(SecureRandom.bytes(8))

        init(config: String? = nil, credentials: String? = nil, token: String? = nil) throws {
            mkdir(path, 0o700)
            mkdir(path + "/.aws", 0o700)
            for (name, text) in [
                ("/.aws/config", config), ("/.aws/credentials", credentials), ("/token", token),
            ] {
                if let text { try ChildProcess.write(Array(text.utf8), to: path + name) }
            }
        }

        deinit {
            for name in ["/.aws/config", "/.aws/credentials", "/token"] { unlink(path + name) }
            rmdir(path + "/.aws")
            rmdir(path)
        }
    }

    static let now = Timestamp(seconds: 1_700_000_000)

    static func answer(
        id: String = "ASIASTS",
        expires: String = "2023-11-14T23:13:20Z"
    ) -> ScriptedTransport.Reply {
        .xml(
            "<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
                + "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>\(id)</AccessKeyId>"
                + "<SecretAccessKey>sts-secret</SecretAccessKey><SessionToken>sts/token=</SessionToken>"
                + "<Expiration>\(expires)</Expiration></Credentials>"
                + "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        )
    }

    private func find(
        _ environment: [String: String],
        _ replies: [ScriptedTransport.Reply] = [.failure(.unreachable)],
        metadata: @escaping MetadataTransport = { ScriptedTransport([.failure(.unreachable)]) },
        clock: VirtualClock = VirtualClock()
    ) async -> Result<Credentials, S3Error> {
        let chain = CredentialsChain.standard(
            environment: environment,
            region: "us-east-1",
            transport: ScriptedTransport(replies),
            metadata: metadata,
            clock: clock.storeClock
        )
        do throws(S3Error) {
            guard case .found(let found) = try await chain.find() else {
                return .failure(S3Error(.noCredentials, what: "absent"))
            }
            return .success(found)
        } catch { return .failure(error) }
    }

    private func error(_ result: Result<Credentials, S3Error>) throws -> S3Error {
        guard case .failure(let error) = result else {
            throw ChildProcess.Failure(description: "credentials were found")
        }
        return error
    }

    static let keys = ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env-secret"]

    @Test func `the environment comes first, then the role, then the files`() async throws {
        let home = try Home(
            credentials: "[default]\naws_access_key_id=AKIAFILE\naws_secret_access_key=s",
            token: "jwt\n"
        )
        var environment = ["HOME": home.path]
        #expect(try await find(environment).get().accessKeyID == "AKIAFILE")
        environment["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r"
        environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = home.path + "/token"
        #expect(try await find(environment, [Self.answer()]).get().accessKeyID == "ASIASTS")
        environment.merge(Self.keys) { $1 }
        let found = try await find(environment).get()
        #expect(found.accessKeyID == "AKIAENV")
        #expect(found.secretKey.reveal() == "env-secret")
        #expect(found.sessionToken == nil)
    }

    @Test func `the container's endpoint comes after the files, and the machine last`() async throws
    {
        let home = try Home()
        let container = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/keys"]
        let metadata: MetadataTransport = { MetadataScript.transport }
        var environment = ["HOME": home.path]
        #expect(
            try await find(environment, metadata: metadata).get().accessKeyID == "ASIAINSTANCE"
        )
        environment.merge(container) { $1 }
        #expect(
            try await find(environment, metadata: metadata).get().accessKeyID == "ASIACONTAINER"
        )
        let keys = "[default]\naws_access_key_id=AKIAFILE\naws_secret_access_key=s"
        let full = try Home(credentials: keys)
        environment["HOME"] = full.path
        let found = await find(
            environment,
            metadata: { () throws(TransportError) in
                Issue.record("a metadata service was wanted")
                throw TransportError(.usage, what: "none")
            }
        )
        #expect(try found.get().accessKeyID == "AKIAFILE")
    }

    @Test func `when nothing is found every place is named`() async throws {
        let home = try Home(config: "[profile other]\nregion=x")
        let found = try error(await find(["HOME": home.path]))
        #expect(found.code == .noCredentials)
        for place in [
            "AWS_ACCESS_KEY_ID is not set", "AWS_WEB_IDENTITY_TOKEN_FILE is not set",
            "\(home.path)/.aws/config has no profile default",
            "\(home.path)/.aws/credentials does not exist",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
            "instance metadata: http://169.254.169.254 does not answer",
        ] {
            #expect(found.line.contains(place), "\(place)")
        }
    }

    @Test(arguments: [
        ["AWS_ACCESS_KEY_ID": "AKIA"], ["AWS_SECRET_ACCESS_KEY": "s"],
        ["AWS_ACCESS_KEY_ID": "\"AKIA\"", "AWS_SECRET_ACCESS_KEY": "secret-word"],
        ["AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret word"],
        ["AWS_ACCESS_KEY_ID": "AK\u{E9}", "AWS_SECRET_ACCESS_KEY": "secret-word"],
        ["AWS_ACCESS_KEY_ID": "ASIATEMP", "AWS_SECRET_ACCESS_KEY": "secret-word"],
    ])
    func `keys that cannot be used are refused, and not shown`(
        environment: [String: String]
    )
        async throws
    {
        let found = try error(await find(environment))
        #expect(found.code == .noCredentials)
        #expect(!found.line.contains("word"))
    }

    @Test func `blanks round a pasted key are dropped`() async throws {
        let found = try await find([
            "AWS_ACCESS_KEY_ID": " AKIA\r\n", "AWS_SECRET_ACCESS_KEY": "a/+=b\n",
            "AWS_SESSION_TOKEN": "\tt ",
        ])
        .get()
        #expect(found.accessKeyID == "AKIA")
        #expect(found.secretKey.reveal() == "a/+=b")
        #expect(found.sessionToken?.reveal() == "t")
    }

    @Test func `profiles`() async throws {
        let home = try Home(
            config:
                "[profile lab]\nregion = eu-west-3\nendpoint_url = https://s3.lab\nca_bundle=/c",
            credentials: "[lab]\naws_access_key_id=AKIALAB\naws_secret_access_key=s\n"
        )
        let environment = ["HOME": home.path, "AWS_PROFILE": "lab"]
        #expect(try await find(environment).get().accessKeyID == "AKIALAB")
        let config = try SharedConfig.load(environment: environment)
        #expect(config.region == "eu-west-3")
        #expect(config.endpointURL == "https://s3.lab")
        #expect(config.caBundle == "/c")
        let unknown = try error(await find(["HOME": home.path, "AWS_PROFILE": "lob"]))
        #expect(unknown.code == .configuration)
        #expect(unknown.line.contains("lob"))
    }

    @Test(arguments: [
        "credential_process=x", "sso_session=x", "source_profile=x", "role_arn=x",
        "credential_source=Ec2InstanceMetadata",
    ])
    func `what is not supported is said`(line: String) async throws {
        let home = try Home(config: "[default]\n\(line)\n")
        let found = try error(await find(["HOME": home.path]))
        #expect(found.line.contains("is not supported"))
    }

    @Test func `files that cannot be read`() async throws {
        let home = try Home(credentials: "[default]\naws_access_key_id=A")
        #expect(try error(await find(["HOME": home.path])).line.contains("half a key"))
        let directory = try error(
            await find(["HOME": home.path, "AWS_CONFIG_FILE": home.path])
        )
        #expect(directory.code == .configuration)
        let broken = try Home(credentials: "[default]\nrubbish\n")
        let found = try error(await find(["HOME": broken.path]))
        #expect(found.line.contains("line 2"))
        #expect(found.line.contains("\(broken.path)/.aws/credentials"))
    }

    // MARK: web identity

    private func role(_ home: Home) -> [String: String] {
        [
            "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
            "AWS_WEB_IDENTITY_TOKEN_FILE": home.path + "/token",
        ]
    }

    @Test func `a role is assumed with the token, unsigned`() async throws {
        let home = try Home(token: "jwt.part+two\n")
        let transport = ScriptedTransport([Self.answer()])
        let provider = WebIdentityCredentials(
            role(home).merging(["AWS_ENDPOINT_URL_STS": "https://sts.lab:8080/"]) { $1 },
            region: "us-east-1",
            transport: transport,
            clock: VirtualClock().storeClock
        )
        guard case .found(let found) = try await provider.find() else {
            Issue.record("absent")
            return
        }
        #expect(found.accessKeyID == "ASIASTS")
        #expect(found.expires == Timestamp(seconds: 1_700_003_600))
        let seen = try #require(transport.requests.first)
        #expect(seen.request.url == "https://sts.lab:8080/")
        #expect(seen.field("authorization") == nil)
        let form = String(decoding: seen.body, as: UTF8.self)
        #expect(form.contains("WebIdentityToken=jwt.part%2Btwo"))
        #expect(form.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"))
    }

    @Test func `the token is read anew at every refresh`() async throws {
        let home = try Home(token: "first")
        let transport = ScriptedTransport([
            Self.answer(), Self.answer(id: "ASIATWO", expires: "2023-11-15T00:13:20Z"),
        ])
        let clock = VirtualClock()
        let cache = CredentialsCache(
            WebIdentityCredentials(
                role(home),
                region: "us-east-1",
                transport: transport,
                clock: clock.storeClock
            ),
            clock: clock.storeClock
        )
        #expect(try await cache.get().accessKeyID == "ASIASTS")
        try ChildProcess.write(Array("second".utf8), to: home.path + "/token")
        clock.advance(by: 3000)
        #expect(try await cache.get().accessKeyID == "ASIATWO")
        let forms = transport.requests.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(forms.map { $0.contains("WebIdentityToken=first") } == [true, false])
        #expect(forms.map { $0.contains("WebIdentityToken=second") } == [false, true])
    }

    @Test(arguments: [
        ScriptedTransport.Reply.xml("<html/>"), .xml(""), .xml("<A>jwt-secret"),
        answer(expires: "2020-01-01T00:00:00Z"), answer(expires: "tomorrow"), answer(id: ""),
        .error(403, "AccessDenied"), .error(400, "InvalidIdentityToken"),
        .answer(status: 302, fields: [HTTPField("location", "https://evil.example")]),
        .answer(status: 200, body: Array(repeating: 32, count: 1 << 19)),
        .answer(status: 404, body: Array("<html>jwt-secret</html>".utf8)),
    ])
    func `answers of STS that cannot be used`(reply: ScriptedTransport.Reply) async throws {
        let home = try Home(token: "jwt-secret")
        let found = try error(await find(role(home), [reply]))
        #expect(found.code == .noCredentials)
        #expect(found.line.contains("sts.us-east-1.amazonaws.com"))
        #expect(!found.line.contains("jwt-secret"))
    }

    @Test func `an STS in trouble is asked again`() async throws {
        let home = try Home(token: "jwt")
        let busy = ScriptedTransport.Reply.error(503, "ServiceUnavailable")
        let found = await find(role(home), [busy, .failure(.interrupted), Self.answer()])
        #expect(try found.get().accessKeyID == "ASIASTS")
        #expect(try error(await find(role(home), [busy])).code == .unavailable)
    }

    @Test func `tokens that are not there`() async throws {
        let empty = try Home(token: " \n")
        #expect(try error(await find(role(empty))).line.contains("is empty"))
        let none = try Home()
        #expect(try error(await find(role(none))).line.contains("does not exist"))
        let half = try error(await find(["AWS_WEB_IDENTITY_TOKEN_FILE": "/t"]))
        #expect(half.line.contains("AWS_ROLE_ARN"))
        let home = try Home(token: "jwt")
        let plain = try error(
            await find(role(home).merging(["AWS_ENDPOINT_URL_STS": "http://sts.lab"]) { $1 })
        )
        #expect(plain.code == .configuration)
    }
}
