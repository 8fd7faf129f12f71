// SPDX-License-Identifier: Apache-2.0

import Names

/// Adds up the sizes that a document claims and finds what cannot be: a negative size, one that no
/// store takes, or a sum that no disk holds. Arithmetic on what is left cannot overflow.
struct ClaimedSizes {
    /// More than any one object can have: S3 takes 50 TiB.
    private static let largest: Int64 = 64 << 40
    /// An exbibyte, for all together.
    private static let largestTotal: Int64 = 1 << 60

    private var total: Int64 = 0
    /// The first thing that cannot be; nil if all is well.
    private(set) var problem: String?

    /// Takes one more size, in bytes; `name` is asked for only when it is impossible.
    mutating func add(_ size: Int64, _ name: @autoclosure () -> String) {
        guard problem == nil else { return }
        guard (0...Self.largest).contains(size) else {
            problem = "\(name()) has \(size) bytes"
            return
        }
        total += size
        if total > Self.largestTotal { problem = "all files together have more than 2^60 bytes" }
    }

    /// Takes a number of files.
    mutating func add(files: Int, _ name: @autoclosure () -> String) {
        guard problem == nil, files < 0 else { return }
        problem = "\(name()) has \(files) files"
    }

    mutating func add(_ packs: [PackEntry]) {
        for pack in packs {
            add(pack.size, "the pack \(pack.key)")
            add(files: pack.files, "the pack \(pack.key)")
        }
    }
}

extension RunSpec {
    package var problem: String? {
        var sizes = ClaimedSizes()
        sizes.add(packs)
        for input in inputs { sizes.add(input.size, input.path.logSafe) }
        let unpinned = inputs.first { $0.digest == nil && $0.galaxyObject == nil }
        return sizes.problem
            ?? unpinned.map { "nothing says which bytes \($0.path) has" }
    }
}

extension AttemptReport {
    package var problem: String? {
        var sizes = ClaimedSizes()
        sizes.add(packs)
        for file in files { sizes.add(file.size, file.path.logSafe) }
        return sizes.problem
    }
}
