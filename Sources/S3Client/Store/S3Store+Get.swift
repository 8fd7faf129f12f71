// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport

extension S3Store {
    package func get(
        _ key: ObjectKey,
        range: ByteRange?,
        ifMatch: ETag?,
        expecting: CRC64NVME?,
        to sink: any HTTPBodySink
    ) async throws(S3Error) -> ObjectInfo {
        let call = call(.getObject, key)
        let received = ResumableSink(call, sink, range: range)
        return try await run(call) { _ throws(AttemptFailure) in
            if !received.isComplete {
                try await receive(call, key, ifMatch: ifMatch, into: received)
            }
            guard received.isComplete, let info = received.info else {
                // An answer without a length of its own, cut: the rest is asked for.
                throw .transport(
                    TransportError(.truncated, what: "The body ended after \(received.taken) bytes")
                )
            }
            metrics.countReceived(received.taken)
            let isWhole = received.taken == info.size
            if let right = expecting ?? (isWhole ? info.checksum : nil),
                received.checksum != right
            {
                throw .final(.corrupted(call, got: received.checksum, right: right))
            }
            return info
        }
    }

    /// Asks once for what is missing.
    private func receive(
        _ call: S3Call,
        _ key: ObjectKey,
        ifMatch: ETag?,
        into sink: ResumableSink
    ) async throws(AttemptFailure) {
        var request = S3Request(call, .get, key)
        if let missing = sink.missing {
            let last = missing.offset + missing.length - 1
            request.set("range", "bytes=\(missing.offset)-\(last)")
        }
        request.set("if-match", (sink.info?.eTag ?? ifMatch)?.text)
        if sendsChecksums { request.set("x-amz-checksum-mode", "ENABLED") }
        do throws(AttemptFailure) {
            _ = try await send(request, to: sink)
        } catch {
            if case .transport(let failure) = error, failure.code == .bodySink,
                let problem = sink.problem
            {
                throw problem
            }
            throw error
        }
    }
}

extension S3Error {
    static func rangeNotInside(_ call: S3Call, _ range: ByteRange, size: Int64) -> S3Error {
        S3Error(
            .refused,
            what: "\(call.headline): bytes \(range.offset) to \(range.offset + range.length - 1) "
                + "are not all inside it",
            place: "it has \(size) bytes",
            serverCode: "InvalidRange"
        )
    }

    static func corrupted(_ call: S3Call, got: CRC64NVME, right: CRC64NVME) -> S3Error {
        S3Error(
            .corrupted,
            what: "\(call.headline): the bytes received are not the object's",
            place: "CRC64NVME \(got.hex), should be \(right.hex)",
            remedy: "Try again; if it stays, the object itself or the network is damaged."
        )
    }
}
