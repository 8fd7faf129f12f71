// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import Testing

@testable import S3Client

@Suite struct S3EndpointTests {
    private func endpoint(
        _ url: String?,
        bucket: String = "bucket",
        addressing: S3Endpoint.Addressing = .automatic,
        allowHTTP: Bool = false
    ) throws(S3Error) -> S3Endpoint {
        try S3Endpoint(
            url: url,
            bucket: bucket,
            region: "eu-west-3",
            addressing: addressing,
            allowHTTP: allowHTTP
        )
    }

    @Test(arguments: [
        ("https://s3.example.org", "s3.example.org", "https://s3.example.org"),
        ("https://s3.example.org/", "s3.example.org", "https://s3.example.org"),
        ("https://s3.example.org:443", "s3.example.org", "https://s3.example.org"),
        ("https://s3.example.org:9000//", "s3.example.org:9000", "https://s3.example.org:9000"),
        ("http://127.0.0.1:8333", "127.0.0.1:8333", "http://127.0.0.1:8333"),
        ("http://localhost:80", "localhost", "http://localhost"),
        ("http://[::1]:9000", "[::1]:9000", "http://[::1]:9000"),
        ("https://[2001:db8::1]", "[2001:db8::1]", "https://[2001:db8::1]"),
    ])
    func `endpoints as people write them`(url: String, host: String, text: String) throws {
        let found = try endpoint(url)
        #expect(found.hostField == host)
        #expect(found.text == text)
        #expect(found.addressing == .path)
        #expect(found.path(try ObjectKey("a b/../c")) == "/bucket/a%20b/../c")
        #expect(found.path(nil) == "/bucket")
    }

    @Test func `AWS is addressed by virtual host`() throws {
        let found = try endpoint(nil)
        #expect(found.hostField == "bucket.s3.eu-west-3.amazonaws.com")
        #expect(found.path(try ObjectKey("k")) == "/k")
        #expect(found.path(nil) == "/")
        #expect(try endpoint(nil, bucket: "my.bucket").addressing == .path)
        #expect(try endpoint(nil, bucket: "Old_Bucket").addressing == .path)
        // A host that only ends like AWS's.
        #expect(try endpoint("https://evilamazonaws.com").addressing == .path)
    }

    @Test(arguments: [
        "s3.example.org", "ftp://s3.example.org", "https://", "https:///", "https://host/path",
        "https://host?x", "https://host#x", "https://user:pw@host", "https://host:0",
        "https://host:65536", "https://host:", "https://host:9x", "https://ho st", "https://[::1",
        "https://[host]", "https://[::1]x", "http://s3.example.org", "http://10.0.0.1:9000",
        "http://127.evil.example", "https://h\u{E9}", "https://host\r\nx: y", "",
    ])
    func `endpoints that are refused`(url: String) {
        do throws(S3Error) {
            _ = try endpoint(url)
            Issue.record("taken")
        } catch {
            #expect(error.code == .configuration)
            #expect(!error.remedy.isEmpty)
            #expect(!error.line.contains("pw"))
        }
    }

    @Test func `http elsewhere needs to be allowed`() throws {
        #expect(
            try endpoint("http://10.0.0.1:9000", allowHTTP: true).text == "http://10.0.0.1:9000"
        )
    }

    @Test(arguments: [
        "ab", String(repeating: "b", count: 64), "", "s3://bucket", "s3://bucket/prefix", "b/p",
        "arn:aws:s3:::bucket", "10.0.0.1", "a..b", ".ab", "ab.", "b ucket", "b\u{FC}cket", "b?c",
    ])
    func `buckets that are refused`(bucket: String) {
        do throws(S3Error) {
            _ = try endpoint("https://s3.example.org", bucket: bucket)
            Issue.record("taken")
        } catch { #expect(error.code == .configuration) }
    }

    @Test(arguments: ["my.bucket", "Bucket", "b_b", "-bb"])
    func `buckets that no certificate covers are not put into the host`(bucket: String) throws {
        #expect(try endpoint("https://s3.example.org", bucket: bucket).addressing == .path)
        do throws(S3Error) {
            _ = try endpoint("https://s3.example.org", bucket: bucket, addressing: .virtualHost)
            Issue.record("taken")
        } catch { #expect(error.code == .configuration) }
    }

    @Test(arguments: ["", "us-east-1 ", " ", "eu west", "a/b", "é", "a\r\nb"])
    func `regions that are refused`(region: String) throws {
        let endpoint = try endpoint("https://s3.example.org")
        do throws(S3Error) {
            _ = try StorageOptions(endpoint: endpoint, region: region)
            Issue.record("taken")
        } catch { #expect(error.code == .configuration) }
    }
}
