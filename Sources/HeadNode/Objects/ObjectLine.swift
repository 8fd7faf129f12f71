// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Glibc
import Names
import S3Client

/// What is said of objects: a line for people, or a JSON object for programs. Pure.
enum ObjectLine {
    /// An object in JSON: the key is a string, or `{"base64": …}` if it is not UTF-8.
    struct Record: Encodable {
        var key: ObjectKey?
        var prefix: ByteString?
        var size: Int64?
        /// Seconds since 1970.
        var modified: Int64?
        var eTag: String?
        var crc64nvme: String?
        var metadata: [String: String]?

        enum CodingKeys: String, CodingKey {
            case key
            case prefix
            case size
            case modified
            case eTag = "etag"
            case crc64nvme
            case metadata
        }

        var json: String {
            guard let bytes = try? ContractCoding.encode(self) else { return "{}" }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// A page of a listing: prefixes and objects, merged in the order of their bytes.
    static func lines(of page: ListPage, json: Bool) -> [String] {
        let prefixes = page.commonPrefixes.map { prefix in
            (prefix, json ? Record(prefix: ByteString(prefix)).json : line(prefix: prefix))
        }
        let objects = page.entries.map { entry in
            (entry.key.bytes, json ? record(entry).json : line(entry))
        }
        return (prefixes + objects)
            .sorted { $0.0.lexicographicallyPrecedes($1.0) }
            .map(\.1)
    }

    /// Everything that is known of one object.
    static func lines(
        of key: ObjectKey,
        _ info: ObjectInfo,
        json: Bool
    ) -> [String] {
        if json {
            let record = Record(
                key: key,
                size: info.size,
                modified: info.lastModified,
                eTag: info.eTag.text,
                crc64nvme: info.checksum?.hex,
                metadata: info.metadata
            )
            return [record.json]
        }
        return [
            "key        \(key)",
            "size       \(info.size)",
            "modified   \(info.lastModified.map(time) ?? "not said")",
            "etag       \(info.eTag.text.logSafe)",
            "crc64nvme  \(info.checksum?.hex ?? "not kept")",
        ] + info.metadata.sorted { $0.key < $1.key }.map { "x-amz-meta-\($0): \($1)".logSafe }
    }

    private static func record(_ entry: ListPage.Entry) -> Record {
        Record(
            key: entry.key,
            size: entry.size,
            modified: entry.lastModified,
            eTag: entry.eTag?.text
        )
    }

    private static func line(_ entry: ListPage.Entry) -> String {
        let when = entry.lastModified.map(time) ?? "                    "
        return "\(when)  \(right("\(entry.size)"))  \(entry.key)"
    }

    private static func line(prefix: [UInt8]) -> String {
        "                    " + "  \(right("-"))  \(prefix.logSafe)"
    }

    private static func right(_ text: String) -> String {
        String(repeating: " ", count: max(0, 14 - text.utf8.count)) + text
    }

    /// `2026-03-01T12:00:00Z`.
    static func time(_ seconds: Int64) -> String {
        var clock = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&clock, &parts) != nil else { return "\(seconds)" }
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}
