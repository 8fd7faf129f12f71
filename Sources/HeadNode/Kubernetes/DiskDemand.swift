// SPDX-License-Identifier: Apache-2.0

import Contract

/// How much disk a try needs on its node: what is staged, what the tool may write, and a little for
/// what we keep there. A pure value.
struct DiskDemand: Sendable, Equatable, CustomStringConvertible {
    /// The bytes that fetch brings.
    let staged: Int64
    /// How many files they are; each may take a block more than its size.
    let files: Int64
    /// What the tool may write: `kubernetes.output_allowance`.
    let allowance: Int64
    /// Where the configuration sets a limit of its own.
    let ownRequest: Int64?
    let ownLimit: Int64?

    /// A block of the usual file systems.
    private static let block: Int64 = 4096
    /// The worker's program (24 MiB at most), the state folder, and logs.
    private static let slack: Int64 = 128 << 20

    init(
        _ spec: RunSpec,
        allowance: Int64,
        ownRequest: Int64? = nil,
        ownLimit: Int64? = nil
    ) {
        let sizes = spec.packs.map(\.size) + spec.inputs.map(\.size)
        staged = sizes.reduce(0, Self.sum)
        files = Int64(spec.packs.reduce(0) { $0 + $1.files } + spec.inputs.count)
        self.allowance = allowance
        self.ownRequest = ownRequest
        self.ownLimit = ownLimit
    }

    /// What the volume holds at most, in bytes.
    var volume: Int64 { min(needed, limit) }

    /// What the pod asks the scheduler for, in bytes.
    var request: Int64 { ownRequest ?? min(needed + Self.slack, limit) }

    /// What the pod may use before it is evicted, in bytes: the volume, and what its containers
    /// write beside it.
    var limit: Int64 { ownLimit ?? max(needed + Self.slack, ownRequest ?? 0) }

    /// Whether what is staged fits at all.
    var isPossible: Bool { staged <= limit }

    /// For messages.
    var description: String {
        "\(Self.text(staged)) in \(files) files are staged, the tool may write "
            + "\(Self.text(allowance)) (kubernetes.output_allowance), and the pod may use "
            + Self.text(limit)
    }

    private var needed: Int64 {
        [staged, files * Self.block, allowance, Self.slack].reduce(0, Self.sum)
    }

    /// The sum, or what is more than any disk.
    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, isTooMuch) = a.addingReportingOverflow(b)
        return isTooMuch ? 1 << 62 : min(sum, 1 << 62)
    }

    /// Whole up to 9999, then rounded up in the next unit.
    private static func text(_ bytes: Int64) -> String {
        var value = bytes
        for unit in ["bytes", "KiB", "MiB", "GiB", "TiB"] {
            if value < 10_000 { return "\(value) \(unit)" }
            value = value / 1024 + (value % 1024 == 0 ? 0 : 1)
        }
        return "\(value) PiB"
    }
}
