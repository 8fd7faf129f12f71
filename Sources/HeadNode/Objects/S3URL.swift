// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import S3Client

/// `s3://bucket/key`: the key is everything after the first slash, byte by byte, nothing decoded.
struct S3URL: Equatable {
    static let scheme = Array("s3://".utf8)

    let bucket: String
    /// Empty for the bucket itself.
    let key: [UInt8]

    /// - Throws: `.configuration` with what to write.
    init(_ bytes: [UInt8]) throws(S3Error) {
        guard bytes.starts(with: Self.scheme) else {
            throw S3Error(
                .configuration,
                what: "\(bytes.logSafe) is not in a bucket",
                remedy: "Write s3://BUCKET/KEY."
            )
        }
        let rest = bytes.dropFirst(Self.scheme.count)
        let name = rest.prefix { $0 != UInt8(ascii: "/") }
        guard !name.isEmpty, let bucket = String(validating: name, as: UTF8.self) else {
            throw S3Error(
                .configuration,
                what: "\(bytes.logSafe) names no bucket",
                remedy: "Write s3://BUCKET/KEY."
            )
        }
        self.bucket = bucket
        key = Array(rest.dropFirst(name.count + 1))
    }

    /// Whether an argument is such a URL, and not a file.
    static func isURL(_ bytes: [UInt8]) -> Bool { bytes.starts(with: scheme) }

    /// The one object that this names.
    func object() throws(S3Error) -> ObjectKey {
        do throws(NameError) { return try ObjectKey(key) } catch {
            throw S3Error(.configuration, what: error.what, remedy: "Write s3://BUCKET/KEY.")
        }
    }

    /// The object below this that is called like the last part of `path`, when this is a folder;
    /// else the object that this names.
    func object(for path: [UInt8]) throws(S3Error) -> ObjectKey {
        guard key.isEmpty || key.last == FilePath.separator else { return try object() }
        let name = path.split(separator: FilePath.separator).last ?? []
        do throws(NameError) { return try ObjectKey(key + name) } catch {
            throw S3Error(.configuration, what: error.what, remedy: "Write s3://BUCKET/KEY.")
        }
    }

    /// The URL of a key of this bucket, for messages.
    func text(_ key: ObjectKey) -> String { "s3://\(bucket.logSafe)/\(key)" }
}
