// SPDX-License-Identifier: Apache-2.0

import Names

/// What a tool finds in its environment: what its image has, what Galaxy says, nothing of ours.
enum ToolEnvironment {
    /// Names that begin so stay with the worker: they can hold secrets or lead to them.
    private static let kept = ["AWS_", "GALAXY_S3_"].map { Array($0.utf8) }

    /// `https_proxy=http://user:password@host` and the like.
    private static func isProxyWithPassword(
        _ entry: [UInt8],
        name: ArraySlice<UInt8>
    ) -> Bool {
        let folded = name.suffix(6).map { $0 | 0x20 }
        // `_` folds to itself but for one bit.
        return folded == "_proxy".utf8.map { $0 | 0x20 } && entry.contains(UInt8(ascii: "@"))
    }

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
                && !isProxyWithPassword(entry.bytes, name: name)
        }
        let pairs = added.sorted { Array($0.key.utf8).lexicographicallyPrecedes($1.key.utf8) }
        return inherited
            + pairs.map { ByteString(Array($0.key.utf8) + [equals] + $0.value.bytes) }
    }
}
