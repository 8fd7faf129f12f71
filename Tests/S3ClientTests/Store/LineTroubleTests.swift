// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import S3Client
import Synchronization
import TestSupport
import Testing
import Transport

/// Real connections that break while something is sent, drip, or are never made (F63, F64, F69).
@Suite struct LineTroubleTests {
    typealias Step = StubHTTPServer.Step

    /// What a store does with a body, and what comes before it.
    enum Sending: CaseIterable { case put, part }

    /// In one request each, and asking first (`Expect: 100-continue`).
    private static let sizes = [300_000, 2 << 20]

    private func store(
        at port: Int,
        scheme: String = "http",
        attempts: Int = 3,
        change: (inout CurlTransport.Options) -> Void = { _ in },
        observe: @escaping StoreObserver = { _ in }
    ) throws -> S3Store {
        var options = CurlTransport.Options()
        options.proxy = Redacted("")
        change(&options)
        let endpoint = try S3Endpoint(
            url: "\(scheme)://127.0.0.1:\(port)",
            bucket: "bucket",
            region: "us-east-1"
        )
        return S3Store(
            options: try StorageOptions(endpoint: endpoint, region: "us-east-1"),
            credentials: FixedCredentials(
                Credentials(accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretKey: Redacted("s"))
            ),
            transport: try CurlTransport(options),
            policy: RetryPolicy(attempts: attempts, time: .seconds(60), whenBudgetIsEmpty: .fail),
            budget: RetryBudget(),
            observe: observe
        )
    }

    private func answer(_ body: String = "", _ fields: String = "ETag: \"e\"\r\n") -> Step {
        .send("HTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    private let notThere = Step.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    /// F64. Counted from the front, and from the end where it is negative.
    @Test(arguments: Sending.allCases, [0, 1, 4096, 65_537, 150_000, -4096, -1])
    func `what breaks off while it is sent is sent again, whole and once`(
        sending: Sending,
        place: Int
    ) async throws {
        for size in Self.sizes {
            let bytes = StubHTTPServer.pattern(size)
            let cut = place < 0 ? size + place : place
            let server = try StubHTTPServer(
                [.readHead, .send("HTTP/1.1 100 Continue\r\n\r\n"), .readBytes(cut), .reset],
                (sending == .put ? [.read, notThere] : []) + [.read, answer()]
            )
            defer { server.stop() }
            let store = try store(at: server.port) { $0.continueTimeout = .milliseconds(10) }
            let eTag = try await send(sending, bytes, to: store)
            #expect(eTag == ETag("\"e\""))
            let methods = server.received.map { $0.line.prefix { $0 != " " } }
            #expect(methods == (sending == .put ? ["PUT", "HEAD", "PUT"] : ["PUT", "PUT"]))
            let last = try #require(server.received.last)
            #expect(last.body == bytes, "cut after \(cut) of \(size)")
            #expect(last.field("content-length") == "\(size)")
            let sum = CRC64NVME(of: bytes).base64
            #expect(server.received.first?.field("x-amz-checksum-crc64nvme") == sum)
            #expect(last.field("x-amz-checksum-crc64nvme") == sum)
            let token = "x-amz-meta-galaxy-s3-put"
            #expect(server.received.first?.field(token) == last.field(token))
            #expect(server.connections == 2)
        }
    }

    private func send(
        _ sending: Sending,
        _ bytes: [UInt8],
        to store: S3Store
    ) async throws(S3Error) -> ETag {
        let checksum = CRC64NVME(of: bytes)
        switch sending {
        case .put:
            return
                try await store.put(
                    Use.key,
                    body: .bytes(bytes),
                    checksum: checksum,
                    options: PutOptions()
                )
                .eTag
        case .part:
            return
                try await store.uploadPart(
                    Use.key,
                    upload: UploadID("u"),
                    number: 1,
                    body: .bytes(bytes),
                    checksum: checksum
                )
                .eTag
        }
    }

    /// A store that answers 200 at once, then a blank each tenth of a second, then `end`.
    private func drip(_ blanks: Int, _ end: String) -> [Step] {
        let blank = Step.repeated(blanks, [.pause(100), .send("1\r\n \r\n")])
        let size = String(end.utf8.count, radix: 16)
        return [
            .read, .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), blank,
            .send("\(size)\r\n\(end)\r\n0\r\n\r\n"),
        ]
    }

    private static let uses: [Use] = [.complete, .copy, .copyPart]

    private func words(_ use: Use) -> String {
        let name =
            switch use {
            case .complete: "CompleteMultipartUploadResult"
            case .copy: "CopyObjectResult"
            default: "CopyPartResult"
            }
        return "<\(name)><ETag>\"e\"</ETag></\(name)>"
    }

    /// F69. The silence that is allowed is a second, and the blanks go on for three.
    @Test(arguments: uses) func `blanks before a success are no silence`(use: Use) async throws {
        let server = try StubHTTPServer(drip(30, words(use)))
        defer { server.stop() }
        var store = try store(at: server.port)
        store.assemblySilence = .seconds(1)
        try await use.run(on: store)
        #expect(server.received.count == 1)
    }

    @Test(arguments: uses) func `blanks before an error do not hide it`(use: Use) async throws {
        let error = "<Error><Code>InternalError</Code><Message>m</Message></Error>"
        let server = try StubHTTPServer(
            drip(30, error) + [.read, answer(words(use))]
        )
        defer { server.stop() }
        let told = Mutex<[String]>([])
        var store = try store(at: server.port) { _ in
        } observe: { event in
            if case .retrying(_, _, _, let why) = event { told.withLock { $0.append(why) } }
        }
        store.assemblySilence = .seconds(1)
        try await use.run(on: store)
        #expect(told.withLock { $0 } == ["200 with InternalError inside"])
    }

    @Test(arguments: uses) func `where not even blanks come it is silence`(use: Use) async throws {
        let server = try StubHTTPServer(
            [.read, .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), .hold],
            [.read, answer(words(use))]
        )
        defer { server.stop() }
        var store = try store(at: server.port)
        store.assemblySilence = .seconds(1)
        try await use.run(on: store)
        #expect(store.metrics.counts.retries == 1)
    }

    /// F63. It is tried again, and named in the end.
    @Test(arguments: [Use.put, .get, .complete])
    func `a connection that is never made is given up, tried again and named`(
        use: Use
    ) async throws {
        let deaf = try DeafListener()
        let told = Mutex<[String]>([])
        let store = try store(at: deaf.port) {
            $0.connectTimeout = .milliseconds(200)
        } observe: { event in
            if case .retrying(_, _, _, let why) = event { told.withLock { $0.append(why) } }
        }
        let error = await #expect(throws: S3Error.self) { try await use.run(on: store) }
        #expect(error?.code == .unreachable, "\(error?.line ?? "")")
        #expect(error?.isAmbiguous == false, "nothing was sent")
        #expect(error?.line.contains("http://127.0.0.1:\(deaf.port)") == true)
        #expect(error?.line.contains("3 attempts") == true, "\(error?.line ?? "")")
        #expect(told.withLock { $0.count } == 2)
        #expect(told.withLock { $0.allSatisfy { $0.contains("No connection could be made") } })
        withExtendedLifetime(deaf) {}
    }

    @Test func `F78: a certificate that is out of date is not for want of an authority`()
        async throws
    {
        let server = try OpenSSLServer(
            name: "IP:127.0.0.1",
            validity: ("20200101000000Z", "20200102000000Z")
        )
        defer { server.stop() }
        let store = try store(at: server.port, scheme: "https") {
            $0.trust = .pem(server.certificatePEM)
        }
        let error = await #expect(throws: S3Error.self) { try await Use.put.run(on: store) }
        #expect(error?.code == .untrusted)
        let line = error?.line ?? ""
        #expect(line.contains("has expired") && line.contains("renewed"), "\(line)")
        #expect(!line.contains("ca_file") && line.contains("1 attempt"), "\(line)")
    }

    /// F78. libcurl takes the end of the connection for the end of a body that says no length.
    @Test(arguments: ["Content-Length: 100000\r\n", ""], [24, 1000])
    func `bytes that TLS lost at their end are never taken for the object`(
        length: String,
        lost: Int
    ) async throws {
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"e\"\r\n\(length)\r\n"
        let bytes = StubHTTPServer.pattern(100_000)
        let server = try OpenSSLServer(
            name: "IP:127.0.0.1",
            answer: Array(head.utf8) + bytes,
            at: "bucket/k"
        )
        defer { server.stop() }
        let cut = [Step.relay(to: server.port, withholding: lost)]
        let between = try StubHTTPServer(cut, cut)
        defer { between.stop() }
        let store = try store(at: between.port, scheme: "https", attempts: 2) {
            $0.trust = .pem(server.certificatePEM)
        }
        let sink = MemorySink(limit: 1 << 20)
        let found = await code { () throws(S3Error) in
            _ = try await store.get(
                Use.key,
                range: nil,
                ifMatch: nil,
                expecting: nil,
                to: sink
            )
        }
        // All but the goodbye is there, and as many bytes as were said.
        let isWhole = !length.isEmpty && lost == 24
        #expect(isWhole ? found == nil && sink.bytes == bytes : found != nil)
        #expect(between.connections == (isWhole ? 1 : 2), "it is tried again")
    }

    /// F63: TLS that is never agreed on counts too.
    @Test func `a server that hangs in the middle of TLS is given up`() async throws {
        let server = try StubHTTPServer([.readBytes(10), .hold])
        defer { server.stop() }
        var options = CurlTransport.Options()
        options.proxy = Redacted("")
        options.connectTimeout = .milliseconds(300)
        let transport = try CurlTransport(options)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(HTTPRequest(.get, "https://127.0.0.1:\(server.port)"), to: nil)
        }
        #expect(error?.code == .unreachable, "\(error?.line ?? "")")
        #expect(error?.isAmbiguous == false)
    }
}
