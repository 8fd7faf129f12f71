// SPDX-License-Identifier: Apache-2.0

import S3Client
import Synchronization
import TestSupport
import Transport

/// A bucket that answers the requests of a real client, in memory, one at a time.
final class MemoryBucket: Sendable {
    private struct Object {
        var bytes: [UInt8]
        /// Those that were sent with it and come back with it.
        var fields: [HTTPField]
    }

    private static let url = "https://s3.example.org/bucket/"

    private let objects = Mutex<[String: Object]>([:])

    var keys: [String] { objects.withLock { $0.keys.sorted() } }

    func bytes(_ key: String) -> [UInt8]? { objects.withLock { $0[key]?.bytes } }

    /// As somebody else does it.
    ///
    /// - Returns: whether nothing was there.
    func putIfAbsent(_ bytes: [UInt8], at key: String) -> Bool {
        objects.withLock { objects in
            guard objects[key] == nil else { return false }
            objects[key] = Object(bytes: bytes, fields: [])
            return true
        }
    }

    func remove(_ key: String) { objects.withLock { $0[key] = nil } }

    func answer(_ seen: ScriptedTransport.Seen) -> ScriptedTransport.Reply {
        let path = seen.request.url.dropFirst(Self.url.count)
        let key = String(path.prefix { $0 != "?" })
        return objects.withLock { objects in
            switch seen.request.method.rawValue {
            case "PUT":
                if seen.field("if-none-match") == "*", objects[key] != nil {
                    return Self.error(412, "PreconditionFailed")
                }
                let kept = seen.request.fields.filter {
                    $0.name.starts(with: "x-amz-checksum-") || $0.name.starts(with: "x-amz-meta-")
                }
                objects[key] = Object(bytes: seen.body, fields: kept)
                return .answer(
                    status: 200,
                    fields: kept.filter { $0.name.starts(with: "x-amz-checksum-") }
                        + [HTTPField("etag", "\"e\"")]
                )
            case "GET", "HEAD":
                guard let object = objects[key] else { return Self.error(404, "NoSuchKey") }
                let length = HTTPField("content-length", "\(object.bytes.count)")
                return .answer(
                    status: 200,
                    fields: object.fields + [length, HTTPField("etag", "\"e\"")],
                    body: seen.request.method.rawValue == "GET" ? object.bytes : []
                )
            case "POST":
                let text = String(decoding: seen.body, as: UTF8.self)
                for match in text.matches(of: /<Key>(.*?)<\/Key>/) {
                    objects[String(match.output.1)] = nil
                }
                return .answer(status: 200, body: Array("<DeleteResult/>".utf8))
            default: return Self.error(405, "MethodNotAllowed")
            }
        }
    }

    private static func error(_ status: Int, _ code: String) -> ScriptedTransport.Reply {
        .answer(status: status, body: Array("<Error><Code>\(code)</Code></Error>".utf8))
    }
}
