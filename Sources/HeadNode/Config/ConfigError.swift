// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// One thing wrong in the configuration.
struct ConfigProblem: Sendable, Hashable {
    /// `galaxy.yml:12:5`, `environment GALAXY_S3_EXECUTOR_RETRIES`, `--set retries`.
    let place: String
    let what: String
    /// One imperative sentence, with a full stop.
    let remedy: String
    /// Where in the file, for the order of the report; nil elsewhere.
    private let position: [Int]?

    init(
        place: String,
        what: String,
        remedy: String
    ) {
        self.place = place
        self.what = what
        self.remedy = remedy
        position = nil
    }

    init(
        at origin: ConfigEntry.Origin,
        what: String,
        remedy: String
    ) {
        place = "\(origin)"
        self.what = what
        self.remedy = remedy
        if case .file(_, let line, let column) = origin {
            position = [line, column ?? 0]
        } else {
            position = nil
        }
    }

    /// Those of the file first, from its top down; the others as they are.
    static func sorted(_ problems: [ConfigProblem]) -> [ConfigProblem] {
        let placed = problems.enumerated()
            .sorted { first, second in
                switch (first.element.position, second.element.position) {
                case (let a?, let b?) where a != b: a.lexicographicallyPrecedes(b)
                case (.some, nil): true
                case (nil, .some): false
                default: first.offset < second.offset
                }
            }
        return placed.map(\.element)
    }

    /// Each once, in the order of the first: one anchor of YAML's is found wherever it is used.
    static func once(_ problems: [ConfigProblem]) -> [ConfigProblem] {
        var seen: Set<ConfigProblem> = []
        return problems.filter { seen.insert($0).inserted }
    }

    /// `place: what; what to do`.
    var line: String {
        var advice = Array(remedy.utf8)
        if advice.last == UInt8(ascii: ".") { advice.removeLast() }
        let head = "\(place): \(what)"
        return advice.isEmpty ? head : "\(head); \(Self.continuing(advice))"
    }

    /// A sentence as the rest of another: it does not begin with a capital.
    static func continuing(_ sentence: some Collection<UInt8>) -> String {
        let first = sentence.prefix(1).map(\.asciiLowercase)
        return String(decoding: first + sentence.dropFirst(), as: UTF8.self)
    }
}

/// A configuration that cannot be used: all that is wrong with it, at once.
struct ConfigError: ExplainedError, Equatable {
    /// EX_CONFIG of sysexits.h.
    static let exitStatus: Int32 = 78

    let problems: [ConfigProblem]

    init(_ problems: [ConfigProblem]) {
        precondition(!problems.isEmpty, "a configuration error has at least one problem")
        self.problems = ConfigProblem.sorted(problems)
    }

    var codeName: String { "configuration" }

    var what: String {
        let count = problems.count
        return count == 1
            ? "Cannot use the configuration: \(problems[0].what)"
            : "Cannot use the configuration: \(count) problems, the first: \(problems[0].what)"
    }

    var place: String { problems[0].place }

    var remedy: String { problems[0].remedy }

    /// Every problem, one a line.
    var lines: [String] { problems.map(\.line) }
}
