// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names

/// Adds up the figures that a document claims and finds what cannot be: a negative size, one that no
/// store takes, or a sum that no disk holds. Arithmetic on what is left cannot overflow.
struct ClaimedSizes {
    /// More than any one object can have: S3 takes 48.8 TiB.
    private static let largest: Int64 = 64 << 40
    /// An exbibyte, for all together.
    private static let largestTotal: Int64 = 1 << 60
    /// Some thirty years.
    private static let mostSeconds = 1e9

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

    /// Takes a time, in seconds.
    mutating func add(seconds: Double, _ name: @autoclosure () -> String) {
        guard problem == nil, !(0...Self.mostSeconds).contains(seconds) else { return }
        problem = "\(name()) took \(seconds) s"
    }

    /// Takes what was counted and is part of no sum.
    mutating func add(count: Int64, _ name: @autoclosure () -> String) {
        guard problem == nil, !(0...Self.largestTotal).contains(count) else { return }
        problem = "\(name()) is \(count)"
    }

    mutating func add(_ phases: [PhaseReport]) {
        for phase in phases {
            if problem == nil, !phase.hasName {
                problem = "a phase has the name \"\(phase.name.utf8.prefix(80).logSafe)\""
            }
            let name = "the phase \(phase.name.logSafe)"
            add(seconds: phase.seconds, name)
            for count in [phase.files, phase.packed, phase.requests, phase.retries] {
                add(count: Int64(count), "a figure of \(name)")
            }
            add(count: phase.bytes, "what was moved in \(name)")
        }
    }

    mutating func add(_ tool: ToolOutcome) {
        add(seconds: tool.seconds, "the tool")
        add(seconds: tool.cpuSeconds, "the tool's CPU time")
        add(count: tool.peakResidentBytes, "the tool's memory")
        guard problem == nil, let code = tool.exitCode, !(0...255).contains(code) else { return }
        problem = "the tool's exit code is \(code)"
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
        // Among them is the script that the worker starts.
        let open = packs.first { $0.digest.kind != .sha256 }
        return sizes.problem
            ?? unpinned.map { "nothing says which bytes \($0.path) has" }
            ?? open.map { "the pack \($0.key) has no SHA-256" }
    }
}

extension PhaseReport {
    /// Whether it has a name as phases have them: it is shown as it is.
    fileprivate var hasName: Bool {
        (1...WorkerFrame.longestPhase).contains(name.utf8.count)
            && name.utf8.allSatisfy(Grammar.isLowerOrDigit)
    }
}

extension ToolOutcome {
    /// What nobody can have measured; nil if all is well.
    package var problem: String? {
        var sizes = ClaimedSizes()
        sizes.add(self)
        return sizes.problem
    }
}

extension AttemptReport {
    package var problem: String? {
        var sizes = ClaimedSizes()
        sizes.add(packs)
        for file in files { sizes.add(file.size, file.path.logSafe) }
        sizes.add(phases)
        sizes.add(tool)
        return sizes.problem
    }
}
