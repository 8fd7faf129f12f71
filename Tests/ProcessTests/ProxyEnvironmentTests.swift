// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import S3Client
import TestSupport
import Testing

/// The environment says which proxy is asked, and for whom it is not (F79).
@Suite(.processes) struct ProxyEnvironmentTests {
    private static let empty = """
        <ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>
        """

    private func listener() throws -> StubHTTPServer {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(Self.empty.utf8.count)\r\n\r\n"
        return try StubHTTPServer([.read, .send(head + Self.empty)])
    }

    @Test(arguments: [
        ([:], true), (["NO_PROXY": "127.0.0.1:PORT"], false), (["no_proxy": "127.0.0.1"], false),
        (["NO_PROXY": "127.0.0.1:1"], true), (["NO_PROXY": "*"], false),
        (["NO_PROXY": "*", "no_proxy": "example.org"], true),
    ])
    func whoIsAskedIsUpToTheEnvironment(
        _ exceptions: [String: String],
        usesProxy: Bool
    ) async throws {
        let (store, proxy) = (try listener(), try listener())
        defer {
            store.stop()
            proxy.stop()
        }
        let keys = Credentials(accessKeyID: "a", secretKey: Redacted("a-secret-of-nobody"))
        let server = TestServer(endpoint: store.url, bucket: "bucket", credentials: keys)
        try await Lab.run(on: server) { lab in
            var environment = lab.environment
            environment["http_proxy"] = proxy.url
            for (name, value) in exceptions {
                environment[name] = value.replacing("PORT", with: "\(store.port)")
            }
            let ending = try await RunningProgram(
                [lab.programs.headNode, "s3", "ls", "s3://bucket/k/"] + lab.settings,
                environment: environment,
                streams: "\(lab.folder)/streams/list"
            )
            .ending()
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(proxy.received.isEmpty != usesProxy)
            #expect(store.received.isEmpty == usesProxy)
        }
    }
}
