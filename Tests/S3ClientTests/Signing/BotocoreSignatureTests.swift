// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Glibc
import Names
import TestSupport
import Testing
import Transport

@testable import S3Client

/// Our signatures and botocore's, for requests nobody would think of.
@Suite struct BotocoreSignatureTests {
    /// One request, signed by us and described for `Tests/Tools/sign_oracle.py`.
    struct Case {
        let line: String
        let ours: String

        init(_ generator: inout SeededGenerator) {
            func bytes(_ count: ClosedRange<Int>, _ allowed: ClosedRange<UInt8>) -> [UInt8] {
                (0..<Int.random(in: count, using: &generator))
                    .map { _ in
                        UInt8.random(in: allowed, using: &generator)
                    }
            }
            // Slashes and dots come often, for `//`, `/./` and `..` are where signers differ.
            let key = bytes(0...40, 1...255)
                .map { byte -> UInt8 in
                    switch byte % 8 {
                    case 0: UInt8(ascii: "/")
                    case 1: UInt8(ascii: ".")
                    default: byte
                    }
                }
            let query = (0..<Int.random(in: 0...5, using: &generator))
                .map { _ in
                    QueryItem(
                        nameBytes: bytes(1...3, 0x2D...0x41),
                        value: bytes(0...12, 0...255)
                    )
                }
            let names = ["x-amz-meta-a", "X-Amz-Meta-A", "range", "content-type", "x-amz-acl"]
            let fields = (0..<Int.random(in: 0...4, using: &generator))
                .map { _ in
                    HTTPField(
                        names[Int.random(in: 0..<names.count, using: &generator)],
                        String(
                            decoding: bytes(1...20, 0x20...0x7E).map { $0 % 4 == 0 ? 0x20 : $0 },
                            as: UTF8.self
                        )
                    )
                }
            let secret = bytes(1...40, 0x21...0x7E)
            let token = Bool.random(using: &generator) ? bytes(1...80, 0x21...0x7E) : []
            let body = bytes(0...64, 0...255)
            let isSigned = Bool.random(using: &generator)
            let time = Timestamp(seconds: .random(in: 0...4_102_444_800, using: &generator))
            let regions = ["us-east-1", "eu-central-1", "garage", "x"]
            let region = regions[Int.random(in: 0..<regions.count, using: &generator)]
            let methods = ["GET", "PUT", "HEAD", "POST", "DELETE"]
            let method = methods[Int.random(in: 0..<methods.count, using: &generator)]
            let hosts = ["bucket.example.org", "example.org:8333", "[::1]:9000", "127.0.0.1"]
            let host = hosts[Int.random(in: 0..<hosts.count, using: &generator)]

            let signer = SigV4Signer(
                credentials: Credentials(
                    accessKeyID: "AKIDEXAMPLE",
                    secretKey: Redacted(String(decoding: secret, as: UTF8.self)),
                    sessionToken: token.isEmpty
                        ? nil : Redacted(String(decoding: token, as: UTF8.self))
                ),
                region: region
            )
            let path = "/" + PercentEncoding.encode(key, keepingSlashes: true)
            let sent = signer.fields(
                signing: fields,
                method: method,
                host: host,
                path: path,
                query: query,
                payload: isSigned ? .digest(SHA256Digest(of: body)) : .unsigned,
                at: time
            )
            let text = CanonicalRequest.queryText(query)
            let url = "https://\(host)\(path)" + (text.isEmpty ? "" : "?\(text)")
            ours = url + " " + (sent.last?.value ?? "")

            func hex(_ text: String) -> String { "\"\(Hex.encode(Array(text.utf8)))\"" }
            let pairs = query.map { "[\"\(Hex.encode($0.name))\",\"\(Hex.encode($0.value))\"]" }
            let lines = fields.map { "[\(hex($0.name)),\(hex($0.value))]" }
            line =
                "{\"method\":\"\(method)\",\"host\":\"\(host)\",\"key\":\"\(Hex.encode(key))\","
                + "\"query\":[\(pairs.joined(separator: ","))],"
                + "\"fields\":[\(lines.joined(separator: ","))],"
                + "\"secret\":\"\(Hex.encode(secret))\",\"token\":\"\(Hex.encode(token))\","
                + "\"body\":\"\(Hex.encode(body))\",\"signed\":\(isSigned),"
                + "\"time\":\(time.seconds),\"region\":\"\(region)\"}\n"
        }
    }

    @Test(arguments: [UInt64(1)])
    func `10,000 requests are signed as botocore signs them`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let cases = (0..<10_000).map { _ in Case(&generator) }
        let answers = try Self.botocore(cases.map(\.line))
        try #require(answers.count == cases.count)
        for (ours, theirs) in zip(cases, answers)
        where !ours.ours.utf8.elementsEqual(theirs) {
            Issue.record("\(ours.line)ours   \(ours.ours)\ntheirs \(Array(theirs).logSafe)")
            return
        }
    }

    /// What `Tests/Tools/sign_oracle.py` makes of each line.
    static func botocore(_ lines: [String]) throws -> [ArraySlice<UInt8>] {
        let folder = "/tmp/galaxy-s3-sign-" + Hex.encode(SecureRandom.bytes(8))
        mkdir(folder, 0o700)
        defer {
            unlink(folder + "/in")
            unlink(folder + "/out")
            rmdir(folder)
        }
        try ChildProcess.write(Array(lines.joined().utf8), to: folder + "/in")
        let tests = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let python = getenv("GALAXY_S3_PYTHON").map { String(cString: $0) } ?? "python3"
        let status = try ChildProcess.run(
            [python, tests + "/Tools/sign_oracle.py"],
            input: folder + "/in",
            output: folder + "/out"
        )
        #expect(status == 0, "\(python) with botocore is needed: GALAXY_S3_PYTHON names it")
        return try ChildProcess.contents(of: folder + "/out")
            .split(separator: UInt8(ascii: "\n"))
    }
}
