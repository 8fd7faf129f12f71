// SPDX-License-Identifier: Apache-2.0

/// How an object of a known size is cut into parts. Pure.
package struct PartPlan: Sendable, Equatable {
    /// What S3 allows (Amazon S3 user guide, "Amazon S3 multipart upload limits").
    package static let mostParts: Int64 = 10_000
    package static let smallestPartBytes: Int64 = 5 << 20
    package static let largestPartBytes: Int64 = 5 << 30
    package static let largestObjectBytes = mostParts * largestPartBytes

    package static let defaultPartBytes: Int64 = 8 << 20
    /// In larger parts nothing is won any more, and more is lost with a connection.
    static let ampleBytes: Int64 = 16 << 20
    /// Smaller objects go in one request.
    package static let defaultThresholdBytes: Int64 = 16 << 20

    package let totalBytes: Int64
    package let partBytes: Int64
    /// Whether one put does it.
    package let isSingle: Bool

    /// Parts grow from `preferredPartBytes`, by whole MiB, as far as 10,000 of them need.
    ///
    /// - Throws: `.refused` for an object that S3 does not take, naming the limit.
    package init(
        totalBytes: Int64,
        preferredPartBytes: Int64 = defaultPartBytes,
        thresholdBytes: Int64 = defaultThresholdBytes
    ) throws(S3Error) {
        guard (0...Self.largestObjectBytes).contains(totalBytes) else {
            throw S3Error(
                .refused,
                what: "Cannot store an object of \(totalBytes) bytes: S3 takes "
                    + "\(Self.largestObjectBytes) (10,000 parts of 5 GiB)",
                remedy: "Split it."
            )
        }
        self.totalBytes = totalBytes
        let preferred = min(
            max(preferredPartBytes, Self.smallestPartBytes),
            Self.largestPartBytes
        )
        isSingle = totalBytes < thresholdBytes || totalBytes <= preferred
        let needed = (totalBytes + Self.mostParts - 1) / Self.mostParts
        let mebibyte: Int64 = 1 << 20
        partBytes =
            needed <= preferred ? preferred : (needed + mebibyte - 1) / mebibyte * mebibyte
    }

    /// How many parts there are; an empty object has none.
    package var count: Int { Int((totalBytes + partBytes - 1) / partBytes) }

    /// What part `number`, counted from 1, holds.
    package func range(ofPart number: Int) -> ByteRange {
        precondition((1...count).contains(number), "there is no part \(number)")
        let offset = Int64(number - 1) * partBytes
        return ByteRange(offset: offset, length: min(partBytes, totalBytes - offset))
    }
}
