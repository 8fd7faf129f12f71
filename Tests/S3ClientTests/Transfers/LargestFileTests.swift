// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import TestSupport
import Testing
import Transport

/// Files that are too large to be moved in a test, dry: all requests are made, no byte is read.
@Suite struct LargestFileTests {
    /// A file of zeros that is not there.
    private struct Zeros: UploadSource {
        let length: Int64

        func body(_ range: ByteRange) -> HTTPBody {
            HTTPBody(length: range.length) { Nothing() }
        }

        func knownChecksum(_ range: ByteRange) -> CRC64NVME? { Self.checksum(of: range.length) }

        /// By doubling.
        static func checksum(of length: Int64) -> CRC64NVME {
            var (sum, done) = (CRC64NVME(), Int64(0))
            var (power, size) = (CRC64NVME(of: [0]), Int64(1))
            while size <= length {
                if length & size != 0 {
                    sum.append(power, length: size)
                    done += size
                }
                power.append(power, length: size)
                size *= 2
            }
            precondition(done == length)
            return sum
        }
    }

    private final class Nothing: HTTPBodyReader {
        func read(into buffer: UnsafeMutableRawBufferPointer) -> Int { 0 }
    }

    private static let gibibyte: Int64 = 1 << 30

    @Test(
        "5 GiB, 200 GiB and all that S3 takes go in parts that S3 takes",
        arguments: [5 * gibibyte, 200 * gibibyte, PartPlan.largestObjectBytes]
    )
    func dry(_ size: Int64) async throws {
        #expect(Zeros.checksum(of: 1000) == CRC64NVME(of: [UInt8](repeating: 0, count: 1000)))
        let talk = try Conversation { seen in
            if seen.request.method == .put {
                let sum = HTTPField(
                    "x-amz-checksum-crc64nvme",
                    seen.field("x-amz-checksum-crc64nvme") ?? ""
                )
                return .answer(status: 200, fields: [HTTPField("etag", "\"e\""), sum])
            }
            return seen.request.url.contains("uploads") ? Use.create.success : Use.complete.success
        }
        let stored = try await Upload(to: talk.store).run(Zeros(length: size), at: Use.key)
        #expect(stored.size == size)
        #expect(stored.checksum == Zeros.checksum(of: size))

        let parts = talk.requests.filter { $0.request.method == .put }
        let sizes = parts.compactMap { $0.request.body?.length }
        #expect(parts.count <= 10_000)
        #expect(sizes.reduce(0, +) == size)
        #expect(sizes.allSatisfy { $0 <= PartPlan.largestPartBytes })
        let numbers = parts.compactMap { part in
            part.request.url.split(separator: "partNumber=").last
                .flatMap { Int($0.prefix { $0.isNumber }) }
        }
        #expect(Set(numbers) == Set(1...parts.count))
        for (number, size) in zip(numbers, sizes) where number < parts.count {
            #expect(size >= PartPlan.smallestPartBytes)
        }

        let last = try #require(talk.requests.last)
        #expect(last.request.method == .post)
        #expect(last.field("x-amz-checksum-crc64nvme") == stored.checksum.base64)
        let named = String(decoding: last.body, as: UTF8.self)
            .split(separator: "<PartNumber>").dropFirst()
            .compactMap { Int($0.prefix { $0.isNumber }) }
        #expect(named == Array(1...parts.count))
    }
}
