// SPDX-License-Identifier: Apache-2.0

import Names

/// What a tool finds in its environment: what its image has, what Galaxy says, nothing of ours.
enum ToolEnvironment {
    /// Names that begin so stay with the worker: they can hold secrets or lead to them.
    private static let kept = ["AWS_", "GALAXY_S3_"].map { Array($0.utf8) }

    /// `own` without what stays with the worker, then `added`, which wins.
    static func make(
        own: [ByteString],
        added: [String: ByteString]
    ) -> [ByteString] {
        let equals = UInt8(ascii: "=")
        let names = Set(added.keys.map { Array($0.utf8) })
        let inherited = own.filter { entry in
            let name = entry.bytes.prefix { $0 != equals }
            return !kept.contains { name.starts(with: $0) } && !names.contains(Array(name))
        }
        let pairs = added.sorted { Array($0.key.utf8).lexicographicallyPrecedes($1.key.utf8) }
        return inherited
            + pairs.map { ByteString(Array($0.key.utf8) + [equals] + $0.value.bytes) }
    }
}
