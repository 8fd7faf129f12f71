// SPDX-License-Identifier: Apache-2.0

/// Which container of a try's pod does what.
struct PodRoles: Sendable, Equatable {
    /// Prepares the volume; it must end with 0 before the others begin.
    let initial: String
    /// Runs the tool.
    let tool: String
    /// Its exit status is the attempt's.
    let last: String

    static let split = PodRoles(initial: "fetch", tool: "tool", last: "push")
    static let single = PodRoles(initial: "install", tool: "tool", last: "tool")

    /// All containers, in the order in which they begin.
    var names: [String] { tool == last ? [initial, tool] : [initial, tool, last] }
}
