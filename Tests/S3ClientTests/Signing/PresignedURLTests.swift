// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Glibc
import Names
import TestSupport
import Testing
import Transport

@testable import S3Client

@Suite struct PresignedURLTests {
    static let now = Timestamp(seconds: 1_369_353_600)

    private func options(
        _ url: String? = nil,
        bucket: String = "examplebucket",
        requesterPays: Bool = false
    ) throws -> StorageOptions {
        try StorageOptions(
            endpoint: S3Endpoint(url: url, bucket: bucket, region: "us-east-1"),
            region: "us-east-1",
            requesterPays: requesterPays
        )
    }

    private static func credentials(
        token: String? = nil,
        expires: Int64? = nil
    ) -> Credentials {
        Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretKey: Redacted("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            sessionToken: token.map { Redacted($0) },
            expires: expires.map { Timestamp(seconds: $0) }
        )
    }

    private func make(
        _ right: PresignedURL.Right = .get,
        _ key: String = "test.txt",
        of options: StorageOptions,
        credentials: Credentials = Self.credentials(),
        seconds: Int64 = 86_400,
        now: Timestamp = Self.now
    ) throws -> PresignedURL {
        try PresignedURL(
            right,
            ObjectKey(key),
            of: options,
            region: "us-east-1",
            credentials: credentials,
            seconds: seconds,
            now: now
        )
    }

    /// The example of the Amazon S3 API reference, but for the host, which is the region's own here.
    @Test func `a URL is the endpoint, the key and a signed query`() throws {
        let found = try make(of: options())
        let start =
            "https://examplebucket.s3.us-east-1.amazonaws.com/test.txt?"
            + "X-Amz-Algorithm=AWS4-HMAC-SHA256"
            + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            + "&X-Amz-Signature="
        #expect(found.url.reveal().hasPrefix(start))
        #expect(found.expires == Timestamp(seconds: Self.now.seconds + 86_400))
        let published = try make(of: options("https://s3.amazonaws.com"))
        #expect(
            published.url.reveal()
                .hasSuffix(
                    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
                )
        )
    }

    @Test func `it is a secret`() throws {
        let found = try make(of: options(), credentials: Self.credentials(token: "token-word"))
        #expect(found.url.reveal().contains("&X-Amz-Security-Token=token-word"))
        #expect(!"\(found)".contains("Signature"))
        #expect(!String(reflecting: found).contains("token-word"))
    }

    @Test(arguments: [Int64.min, -1, 0, 604_801, .max])
    func `lifetimes that no URL has`(seconds: Int64) throws {
        let error = #expect(throws: S3Error.self) { try make(of: options(), seconds: seconds) }
        #expect(error?.code == .configuration)
        for good in [Int64(1), 604_800] {
            #expect(
                try make(of: options(), seconds: good).url.reveal()
                    .contains("&X-Amz-Expires=\(good)&")
            )
        }
    }

    @Test func `it ends with the credentials`() throws {
        let end = Self.now.seconds + 100
        let short = try make(of: options(), credentials: Self.credentials(expires: end))
        #expect(short.expires == Timestamp(seconds: end))
        #expect(short.endsEarly)
        let long = try make(
            of: options(),
            credentials: Self.credentials(expires: end),
            seconds: 10
        )
        #expect(long.expires == Timestamp(seconds: Self.now.seconds + 10))
        #expect(!long.endsEarly)
    }

    @Test(arguments: [UInt64(2)])
    func `2,000 URLs are signed as botocore signs them`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        func bytes(_ count: ClosedRange<Int>, _ allowed: ClosedRange<UInt8>) -> [UInt8] {
            (0..<Int.random(in: count, using: &generator))
                .map { _ in UInt8.random(in: allowed, using: &generator) }
        }
        func hex(_ text: String) -> String { Hex.encode(Array(text.utf8)) }
        var lines: [String] = []
        var ours: [String] = []
        for _ in 0..<2000 {
            let key = bytes(1...40, 1...255).map { $0 % 9 == 0 ? UInt8(ascii: "/") : $0 }
            let secret = String(decoding: bytes(1...40, 0x21...0x7E), as: UTF8.self)
            let token =
                Bool.random(using: &generator)
                ? String(decoding: bytes(1...80, 0x21...0x7E), as: UTF8.self) : nil
            let right = Bool.random(using: &generator) ? PresignedURL.Right.get : .put
            let pays = Bool.random(using: &generator)
            let seconds = Int64.random(in: PresignedURL.lifetimes, using: &generator)
            let time = Timestamp(seconds: .random(in: 0...4_102_444_800, using: &generator))
            let options = try options(
                ["https://s3.amazonaws.com", "http://[::1]:9000"].randomElement(using: &generator),
                requesterPays: pays
            )
            let found = try PresignedURL(
                right,
                ObjectKey(key),
                of: options,
                region: "eu-central-1",
                credentials: Credentials(
                    accessKeyID: "AKIDEXAMPLE",
                    secretKey: Redacted(secret),
                    sessionToken: token.map { Redacted($0) }
                ),
                seconds: seconds,
                now: time
            )
            let url = found.url.reveal()
            let query = url[url.index(after: try #require(url.firstIndex(of: "?")))...]
            ours.append(query.split(separator: "&").sorted().joined(separator: "&"))
            // Their client is given the path behind the host; the bucket is part of it or not.
            let isHost = options.endpoint.addressing == .virtualHost
            let path = isHost ? key : Array("examplebucket/".utf8) + key
            let pair = "[\"\(hex("x-amz-request-payer"))\",\"\(hex("requester"))\"]"
            lines.append(
                "{\"method\":\"\(right.rawValue)\",\"host\":\"\(options.endpoint.hostField)\","
                    + "\"key\":\"\(Hex.encode(path))\",\"query\":[\(pays ? pair : "")],"
                    + "\"fields\":[],\"secret\":\"\(hex(secret))\",\"token\":\"\(hex(token ?? ""))\","
                    + "\"body\":\"\",\"signed\":false,\"time\":\(time.seconds),"
                    + "\"region\":\"eu-central-1\",\"expires\":\(seconds)}\n"
            )
        }
        let answers = try BotocoreSignatureTests.botocore(lines)
        try #require(answers.count == lines.count)
        for (index, theirs) in answers.enumerated() where !ours[index].utf8.elementsEqual(theirs) {
            Issue.record("\(lines[index])ours   \(ours[index])\ntheirs \(Array(theirs).logSafe)")
            return
        }
    }

    // MARK: on servers, by curl

    /// The status that curl gets, and the body.
    private func curl(_ arguments: [String], _ url: String) throws -> (Int, body: [UInt8]) {
        let folder = "/tmp/galaxy-s3-presign-" + Hex.encode(SecureRandom.bytes(8))
        mkdir(folder, 0o700)
        defer {
            for name in ["/config", "/status", "/body"] { unlink(folder + name) }
            rmdir(folder)
        }
        // In a file, as with any secret: arguments are for all to see.
        try ChildProcess.write(Array("url = \"\(url)\"\n".utf8), to: folder + "/config")
        let status = try ChildProcess.run(
            [
                "curl", "--silent", "--show-error", "--globoff", "--path-as-is", "--noproxy", "*",
                "--max-time", "60", "--config", folder + "/config", "--output", folder + "/body",
                "--write-out", "%{http_code}",
            ] + arguments,
            input: "/dev/null",
            output: folder + "/status"
        )
        try #require(status == 0)
        let text = String(
            decoding: try ChildProcess.contents(of: folder + "/status"),
            as: UTF8.self
        )
        let body = try? ChildProcess.contents(of: folder + "/body")
        return (try #require(Int(text)), body ?? [])
    }

    @Test(.enabled { !TestServer.isOff }, arguments: [TestServer.Kind.seaweed, .moto])
    func `curl puts and gets by them`(kind: TestServer.Kind) async throws {
        let server = try await TestServer.running(kind)
        let store = try server.store()
        let folder = "presign/\(Hex.encode(SecureRandom.bytes(8)))/"
        for name in ["plain", "a b+c%é&d=e?f#g"] {
            let key = try ObjectKey(folder + name)
            let file = try TemporaryFile(patterned(70_000))
            let put = try await store.presign(.put, key, seconds: 60)
            let (stored, _) = try curl(
                ["--upload-file", "/proc/\(getpid())/fd/\(file.descriptor)"],
                put.url.reveal()
            )
            #expect(stored == 200)
            #expect(try await store.required(key).bytes == patterned(70_000))
            let get = try await store.presign(.get, key, seconds: 60)
            let (status, body) = try curl([], get.url.reveal())
            #expect(status == 200)
            #expect(body == patterned(70_000))
            try await store.delete(key)
        }
    }

    @Test(.enabled { !TestServer.isOff })
    func `a real store refuses what it was not signed for`() async throws {
        let server = try await TestServer.running(.seaweed)
        let store = try server.store()
        let folder = "presign/\(Hex.encode(SecureRandom.bytes(8)))/"
        let key = try ObjectKey(folder + "a")
        let other = try ObjectKey(folder + "b")
        for key in [key, other] { _ = try await store.put(key, bytes: [1]) }
        let get = try await store.presign(.get, key, seconds: 60).url.reveal()
        #expect(try curl([], get).0 == 200)
        #expect(try curl(["--upload-file", "/dev/null"], get).0 == 403)
        let moved = get.replacing(folder + "a", with: folder + "b")
        #expect(try curl([], moved).0 == 403)
        let longer = get.replacing("Expires=60&", with: "Expires=600&")
        #expect(try curl([], longer).0 == 403)
        let old = try PresignedURL(
            .get,
            key,
            of: store.options,
            region: "us-east-1",
            credentials: server.credentials,
            seconds: 60,
            now: Timestamp(seconds: StoreClock.system.now().seconds - 61)
        )
        #expect(try curl([], old.url.reveal()).0 == 403)
        let stranger = try PresignedURL(
            .get,
            key,
            of: store.options,
            region: "us-east-1",
            credentials: Credentials(
                accessKeyID: server.credentials.accessKeyID,
                secretKey: Redacted("wrong")
            ),
            seconds: 60,
            now: StoreClock.system.now()
        )
        #expect(try curl([], stranger.url.reveal()).0 == 403)
        try await store.delete([key, other])
    }
}
