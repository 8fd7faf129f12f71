// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Testing
import Transport

@testable import S3Client

/// The worked examples of the Amazon S3 API reference, "Signature calculations for the
/// authorization header" and "Authenticating requests: using query parameters".
@Suite struct PublishedSignatureTests {
    let signer = SigV4Signer(
        credentials: Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretKey: Redacted("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        ),
        region: "us-east-1"
    )
    let host = "examplebucket.s3.amazonaws.com"
    let time = Timestamp(seconds: 1_369_353_600)

    func signature(
        _ method: String,
        _ path: String,
        query: [QueryItem] = [],
        fields: [HTTPField] = [],
        payload: PayloadHash = .empty
    ) throws -> String {
        let sent = signer.fields(
            signing: fields,
            method: method,
            host: host,
            path: path,
            query: query,
            payload: payload,
            at: time
        )
        let value = try #require(sent.last { $0.name == "authorization" }).value
        return String(value.suffix(64))
    }

    @Test func `GET of an object with a range`() throws {
        let fields = [HTTPField("range", "bytes=0-9")]
        let sent = signer.fields(
            signing: fields,
            method: "GET",
            host: host,
            path: "/test.txt",
            query: [],
            payload: .empty,
            at: time
        )
        let expected =
            "AWS4-HMAC-SHA256 "
            + "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        #expect(sent.last == HTTPField("authorization", expected))
    }

    @Test func `PUT of an object`() throws {
        let body = Array("Welcome to Amazon S3.".utf8)
        let found = try signature(
            "PUT",
            "/" + PercentEncoding.encode("test$file.text".utf8, keepingSlashes: true),
            fields: [
                HTTPField("date", "Fri, 24 May 2013 00:00:00 GMT"),
                HTTPField("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            payload: .digest(SHA256Digest(of: body))
        )
        #expect(found == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
    }

    @Test func `GET of a bucket's lifecycle`() throws {
        let found = try signature("GET", "/", query: [QueryItem("lifecycle")])
        #expect(found == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
    }

    @Test func `list of objects`() throws {
        let query = [QueryItem("prefix", "J"), QueryItem("max-keys", "2")]
        let found = try signature("GET", "/", query: query)
        #expect(found == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
    }

    @Test func `presigned GET`() {
        let query = signer.presignedQuery(
            method: "GET",
            host: host,
            path: "/test.txt",
            query: [],
            expiresInSeconds: 86_400,
            at: time
        )
        let expected =
            "X-Amz-Algorithm=AWS4-HMAC-SHA256"
            + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        #expect(query == expected)
    }
}
