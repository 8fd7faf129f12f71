// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import TestSupport
import Testing
import Transport

/// A get gives the right bytes, or an error (F64 to F66, F75).
@Suite struct GetConversationTests {
    static let bytes = Array("0123456789".utf8)
    static let checksum = CRC64NVME(of: bytes)

    private func get(
        _ talk: Conversation,
        range: ByteRange? = nil,
        expecting: CRC64NVME? = nil
    ) async throws(S3Error) -> [UInt8] {
        let sink = MemorySink(limit: 1000)
        _ = try await talk.store.get(
            Use.key,
            range: range,
            ifMatch: nil,
            expecting: expecting,
            to: sink
        )
        return sink.bytes
    }

    private static func cut(_ count: Int) -> ScriptedTransport.Reply {
        .cut(
            status: 200,
            fields: [
                HTTPField("etag", "\"e\""), HTTPField("content-length", "10"),
                HTTPField("x-amz-checksum-crc64nvme", checksum.base64),
            ],
            body: Array(bytes.prefix(count))
        )
    }

    @Test(arguments: 1...9)
    func `a body that breaks off is resumed where it broke`(count: Int) async throws {
        let talk = try Conversation(Self.cut(count), .range(Self.bytes[count...], of: 10))
        #expect(try await get(talk) == Self.bytes)
        #expect(talk.requests[1].field("range") == "bytes=\(count)-9")
        #expect(talk.requests[1].field("if-match") == "\"e\"")
    }

    @Test func `a body that breaks off before its first byte is asked for again whole`()
        async throws
    {
        let talk = try Conversation(Self.cut(0), .object(Self.bytes, checksum: Self.checksum))
        #expect(try await get(talk) == Self.bytes)
        #expect(talk.requests[1].field("range") == nil)
        #expect(talk.requests[1].field("if-match") == "\"e\"")
    }

    @Test func `a body that breaks off after its last byte is complete`() async throws {
        let talk = try Conversation(Self.cut(10))
        #expect(try await get(talk) == Self.bytes)
        #expect(talk.requests.count == 1)
    }

    @Test func `a range is resumed inside the range`() async throws {
        let talk = try Conversation(
            .cut(
                status: 206,
                fields: ScriptedTransport.Reply.rangeFields(2..<8, of: 10),
                body: Array(Self.bytes[2..<5])
            ),
            .range(Self.bytes[5..<8], of: 10)
        )
        let wanted = Array(Self.bytes[2..<8])
        let found = try await get(
            talk,
            range: ByteRange(offset: 2, length: 6),
            expecting: CRC64NVME(of: wanted)
        )
        #expect(found == wanted)
        #expect(talk.requests[1].field("range") == "bytes=5-7")
    }

    @Test func `an object that changed meanwhile is not mixed`() async throws {
        let refused = try Conversation(Self.cut(4), .error(412, "PreconditionFailed"))
        let ignored = try Conversation(Self.cut(4), .range(Self.bytes[4...], of: 10, eTag: "\"f\""))
        for talk in [refused, ignored] {
            let found = await code { () throws(S3Error) in try await get(talk) }
            #expect(found == .preconditionFailed)
        }
    }

    @Test func `flipped bits are found by the store's checksum, or by the caller's`() async throws {
        var flipped = Self.bytes
        flipped[3] ^= 1
        let withHeader = try Conversation(.object(flipped, checksum: Self.checksum))
        let without = try Conversation(.object(flipped))
        let found = await code { () throws(S3Error) in try await get(withHeader) }
        #expect(found == .corrupted)
        let expected = await code { () throws(S3Error) in
            try await get(without, expecting: Self.checksum)
        }
        #expect(expected == .corrupted)
    }

    struct Odd: Sendable, CustomTestStringConvertible {
        let name: String
        let fields: [HTTPField]
        var status = 200
        var body = GetConversationTests.bytes

        var testDescription: String { name }
    }

    static let odd: [Odd] = [
        Odd(name: "no length", fields: [HTTPField("etag", "\"e\"")]),
        Odd(
            name: "two lengths",
            fields: [
                HTTPField("etag", "\"e\""), HTTPField("content-length", "10"),
                HTTPField("content-length", "5"),
            ]
        ),
        Odd(
            name: "a negative length",
            fields: [HTTPField("etag", "\"e\""), HTTPField("content-length", "-10")]
        ),
        Odd(
            name: "a length with a letter",
            fields: [HTTPField("etag", "\"e\""), HTTPField("content-length", "10x")]
        ),
        Odd(
            name: "a length that is too short",
            fields: [HTTPField("etag", "\"e\""), HTTPField("content-length", "9")]
        ),
        Odd(
            name: "a length that is too long",
            fields: [HTTPField("etag", "\"e\""), HTTPField("content-length", "11")]
        ),
        Odd(name: "no entity tag", fields: [HTTPField("content-length", "10")]),
        Odd(
            name: "204",
            fields: [HTTPField("etag", "\"e\""), HTTPField("content-length", "10")],
            status: 204
        ),
        Odd(
            name: "206 unasked",
            fields: ScriptedTransport.Reply.rangeFields(0..<10, of: 10),
            status: 206
        ),
    ]

    @Test(arguments: odd)
    func `odd answers are errors`(odd: Odd) async throws {
        let talk = try Conversation(
            .answer(status: odd.status, fields: odd.fields, body: odd.body)
        )
        let found = await code { () throws(S3Error) in try await get(talk) }
        #expect(found == .badAnswer || found == .unreachable)
    }

    @Test(
        "B33: an entity tag is whatever the store says, and goes back to the byte",
        arguments: ["\"e-17\"", "W/\"e\"", "unquoted", "\"\""]
    )
    func entityTags(tag: String) async throws {
        let talk = try Conversation(
            .cut(
                status: 200,
                fields: [HTTPField("etag", tag), HTTPField("content-length", "10")],
                body: Array(Self.bytes.prefix(4))
            ),
            .answer(
                status: 206,
                fields: [
                    HTTPField("etag", tag), HTTPField("content-range", "bytes 4-9/10"),
                    HTTPField("content-length", "6"),
                ],
                body: Array(Self.bytes.suffix(6))
            )
        )
        #expect(try await get(talk) == Self.bytes)
        #expect(talk.requests[1].field("if-match") == tag)
    }

    @Test func `another range than asked for is an error`() async throws {
        let asked = ByteRange(offset: 2, length: 3)
        for reply in [
            ScriptedTransport.Reply.range(Self.bytes[3..<6], of: 10),
            .range(Self.bytes[2..<6], of: 10), .object(Self.bytes),
            .answer(
                status: 206,
                fields: [
                    HTTPField("etag", "\"e\""), HTTPField("content-range", "bytes 2-1/10"),
                    HTTPField("content-length", "3"),
                ]
            ),
        ] {
            let talk = try Conversation(reply)
            let found = await code { () throws(S3Error) in try await get(talk, range: asked) }
            #expect(found == .badAnswer)
        }
    }

    @Test func `when_required sends and asks for no checksum`() async throws {
        let talk = try Conversation(checksums: .whenRequired) { seen in
            seen.request.method == .put ? .stored : .object(Self.bytes)
        }
        _ = try await talk.store.put(Use.key, bytes: Self.bytes)
        _ = try await get(talk)
        for seen in talk.requests {
            let names = seen.request.fields.map(\.name).filter { $0.contains("checksum") }
            #expect(names.isEmpty)
        }
    }
}
