// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names

/// What a file in a node's cache is called: what it must hold, to the byte.
///
/// `<input|pack>-<digest>-<size>-<SHA-256 of the key>`, and `.part` behind it while somebody brings
/// it. The key belongs to it because a CRC64NVME protects against accidents, not against a user who
/// makes a dataset with the digest and the size of a genome.
struct CacheName: Hashable, Sendable {
    let bytes: [UInt8]
    /// Of what it names, in bytes.
    let size: Int64
    let isPart: Bool

    private static let partSuffix = Array(".part".utf8)

    /// nil for what other jobs are not to get from a cache.
    init?(_ input: InputEntry) {
        guard input.isShared == true, input.galaxyObject == nil, let digest = input.digest else {
            return nil
        }
        self.init("input", digest.hex, input.size, input.key)
    }

    /// nil for what other jobs are not to get from a cache.
    init?(_ pack: PackEntry) {
        guard pack.isShared == true, case .sha256(let digest) = pack.digest else { return nil }
        self.init("pack", digest.hex, pack.size, pack.key)
    }

    private init(_ kind: String, _ digest: String, _ size: Int64, _ key: ObjectKey) {
        let key = SHA256Digest(of: key.bytes).hex
        bytes = Array("\(kind)-\(digest)-\(size)-\(key)".utf8)
        self.size = size
        isPart = false
    }

    /// Reads the name of a file that lies in a cache; nil for one that is none of ours.
    init?(found name: [UInt8]) {
        let isPart = name.suffix(Self.partSuffix.count) == Self.partSuffix[...]
        let whole = isPart ? name.dropLast(Self.partSuffix.count) : name[...]
        let fields = whole.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard fields.count == 4, let size = Int64(String(decoding: fields[2], as: UTF8.self)),
            size >= 0
        else { return nil }
        bytes = name
        self.size = size
        self.isPart = isPart
    }

    /// The same while it is being brought.
    var part: CacheName { CacheName(partOf: self) }

    private init(partOf whole: CacheName) {
        bytes = whole.bytes + Self.partSuffix
        size = whole.size
        isPart = true
    }
}
