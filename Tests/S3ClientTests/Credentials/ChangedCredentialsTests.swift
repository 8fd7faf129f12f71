// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import Glibc
import TestSupport
import Testing
import Transport

@testable import S3Client

/// Credentials in files that somebody renews (F74).
@Suite struct ChangedCredentialsTests {
    /// A Secret mounted as a directory, as Kubernetes writes it: files lead through `..data` to the
    /// folder of one version, and a new version is a new folder and another `..data`, renamed over.
    final class MountedSecret: Sendable {
        let path = "/tmp/galaxy-s3-secret-" + Hex.encode(SecureRandom.bytes(8))
        private let versions = Counter()

        init(_ text: String?) throws {
            mkdir(path, 0o700)
            try swap(to: text)
            symlink("..data/credentials", path + "/credentials")
        }

        deinit {
            for number in 1...versions.value {
                unlink(path + "/..\(number)/credentials")
                rmdir(path + "/..\(number)")
            }
            unlink(path + "/..data")
            unlink(path + "/credentials")
            rmdir(path)
        }

        /// nil: the new version has no such file.
        func swap(to text: String?) throws {
            let folder = "..\(versions.next())"
            mkdir(path + "/" + folder, 0o700)
            if let text {
                try ChildProcess.write(Array(text.utf8), to: path + "/\(folder)/credentials")
            }
            symlink(folder, path + "/..data_tmp")
            #expect(rename(path + "/..data_tmp", path + "/..data") == 0)
        }

        var environment: [String: String] {
            [
                "AWS_SHARED_CREDENTIALS_FILE": path + "/credentials",
                "AWS_CONFIG_FILE": path + "/config",
            ]
        }
    }

    static func profile(_ id: String) -> String {
        "[default]\naws_access_key_id = \(id)\naws_secret_access_key = secret-of-\(id)\n"
    }

    private func cache(_ secret: MountedSecret, _ clock: VirtualClock) -> CredentialsCache {
        CredentialsCache(ProfileCredentials(secret.environment), clock: clock.storeClock)
    }

    private func seconds(_ duration: Duration) -> Int64 { duration.components.seconds }

    @Test func `a Secret that is swapped is read again within seconds`() async throws {
        let secret = try MountedSecret(Self.profile("OLD"))
        let clock = VirtualClock()
        let cache = cache(secret, clock)
        #expect(try await cache.get().accessKeyID == "OLD")
        try secret.swap(to: Self.profile("NEW"))
        clock.advance(by: seconds(CredentialsCache.inspectionInterval) - 1)
        #expect(try await cache.get().accessKeyID == "OLD")
        clock.advance(by: 1)
        #expect(try await cache.get().accessKeyID == "NEW")
    }

    @Test func `a config file that comes later counts`() async throws {
        let secret = try MountedSecret(Self.profile("KEY"))
        let clock = VirtualClock()
        let cache = cache(secret, clock)
        let first = try await cache.get()
        #expect(first.files.map(\.isCurrent) == [true, true])
        try ChildProcess.write(Array("[default]\n".utf8), to: secret.path + "/config")
        defer { unlink(secret.path + "/config") }
        #expect(first.files.map(\.isCurrent) == [false, true])
        clock.advance(by: seconds(CredentialsCache.inspectionInterval))
        #expect(try await cache.get().files.map(\.isCurrent) == [true, true])
    }

    @Test func `files that did not change are not read again`() async throws {
        let secret = try MountedSecret(Self.profile("KEY"))
        let clock = VirtualClock()
        let counter = Counter()
        let cache = CredentialsCache(
            CredentialsCacheTests.Gate { _ throws(S3Error) in
                _ = counter.next()
                return try await ProfileCredentials(secret.environment).find()
            },
            clock: clock.storeClock
        )
        for _ in 0..<10 {
            _ = try await cache.get()
            clock.advance(by: 60)
        }
        #expect(counter.value == 1)
    }

    @Test(arguments: [
        nil, "", "[default]\n", "[default]\naws_access_key_id = NEW\n", "[default", "half",
        "[default]\naws_access_key_id = \"NEW\naws_secret_access_key = s\n",
    ])
    func `what is half written or gone keeps the last, and nobody else's`(
        text: String?
    ) async throws {
        let secret = try MountedSecret(Self.profile("OLD"))
        let clock = VirtualClock()
        let others = FixedCredentials(
            Credentials(accessKeyID: "OTHER", secretKey: Redacted("s"))
        )
        let chain = CredentialsChain([ProfileCredentials(secret.environment), others])
        let cache = CredentialsCache(chain, clock: clock.storeClock)
        #expect(try await cache.get().accessKeyID == "OLD")
        try secret.swap(to: text)
        for _ in 0..<3 {
            clock.advance(by: seconds(CredentialsCache.inspectionInterval))
            #expect(try await cache.get().accessKeyID == "OLD")
        }
        try secret.swap(to: Self.profile("NEW"))
        clock.advance(by: seconds(CredentialsCache.inspectionInterval))
        #expect(try await cache.get().accessKeyID == "NEW")
    }

    @Test func `what the store refused is not used again because its file is gone`() async throws {
        let secret = try MountedSecret(Self.profile("OLD"))
        let chain = CredentialsChain([ProfileCredentials(secret.environment)])
        let cache = CredentialsCache(chain, clock: VirtualClock().storeClock)
        let old = try await cache.get()
        try secret.swap(to: nil)
        await cache.forget(old)
        do throws(S3Error) {
            _ = try await cache.get()
            Issue.record("credentials were found")
        } catch {
            #expect(error.isRetryable)
            #expect(error.place.contains("\(secret.path)/credentials does not exist"))
        }
    }

    // MARK: with a store

    /// A store that takes one key only.
    private func talk(
        _ secret: MountedSecret,
        takes id: String,
        else word: String
    ) throws
        -> Conversation
    {
        try Conversation(credentials: ProfileCredentials(secret.environment)) { seen in
            (seen.field("authorization") ?? "").contains("Credential=\(id)/")
                ? .stored : .error(403, word)
        }
    }

    @Test(arguments: ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", ""])
    func `a refusal is answered with what is in the file by then`(word: String) async throws {
        let secret = try MountedSecret(Self.profile("OLD"))
        let talk = try talk(secret, takes: "NEW", else: word)
        _ = try await talk.store.credentials.get()
        try secret.swap(to: Self.profile("NEW"))
        try await Use.put.run(on: talk.store)
        #expect(talk.requests.count == 2)
        #expect(talk.events.all == [.credentialsReloaded])
    }

    @Test func `a refusal stays one where the file is the same, or no better`() async throws {
        let secret = try MountedSecret(Self.profile("OLD"))
        let talk = try talk(secret, takes: "NEW", else: "AccessDenied")
        let same = await code { () throws(S3Error) in try await Use.put.run(on: talk.store) }
        #expect(same == .accessDenied)
        #expect(talk.requests.count == 1)
        for text in [nil, Self.profile("OLD") + "# touched\n", "[default]\n"] {
            try secret.swap(to: text)
            let found = await code { () throws(S3Error) in try await Use.put.run(on: talk.store) }
            #expect(found == .accessDenied)
        }
        #expect(talk.requests.count == 4)
        try secret.swap(to: Self.profile("WORSE"))
        let worse = await code { () throws(S3Error) in try await Use.put.run(on: talk.store) }
        #expect(worse == .accessDenied)
        #expect(talk.requests.count == 6)
    }

    @Test func `who was signed with the old when another found the new tries again`() async throws {
        let secret = try MountedSecret(Self.profile("OLD"))
        let talk = try talk(secret, takes: "NEW", else: "InvalidAccessKeyId")
        let old = try await talk.store.credentials.get()
        try secret.swap(to: Self.profile("NEW"))
        let first = await talk.store.credentials.hasOthers(than: old)
        let second = await talk.store.credentials.hasOthers(than: old)
        let now = try await talk.store.credentials.get()
        let third = await talk.store.credentials.hasOthers(than: now)
        #expect([first, second, third] == [true, true, false])
    }

    @Test func `many who hear that a token has expired look up once`() async throws {
        let source = CountingCredentials()
        let cache = CredentialsCache(source, clock: VirtualClock().storeClock)
        let old = try await cache.get()
        for _ in 0..<16 {
            await cache.forget(old)
            #expect(try await cache.get().accessKeyID == "KEY2")
        }
        #expect(source.count == 2)
    }

    @Test func `an STS that is away for a while does not end a request`() async throws {
        let looks = Counter()
        let source = CredentialsCacheTests.Gate { _ throws(S3Error) in
            guard looks.next() > 3 else { throw S3Error(.unavailable, what: "STS is away") }
            return CredentialsCacheTests.keys(1)
        }
        let talk = try Conversation(credentials: source) { _ in .stored }
        try await Use.put.run(on: talk.store)
        #expect(talk.requests.count == 1)
        let never = try Conversation(
            credentials: CredentialsCacheTests.Gate { _ throws(S3Error) in
                throw S3Error(.unavailable, what: "STS is away", remedy: "Wait.")
            }
        ) { _ in .stored }
        do throws(S3Error) {
            try await Use.put.run(on: never.store)
            Issue.record("it went through")
        } catch {
            #expect(error.code == .unavailable)
            #expect(error.line.contains("STS is away"))
        }
        #expect(never.requests.isEmpty)
    }
}
