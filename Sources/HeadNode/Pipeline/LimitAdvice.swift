// SPDX-License-Identifier: Apache-2.0

/// What to do about a tool that came to the end of what it may use: sentences without their full stop.
enum LimitAdvice {
    static let memory =
        "Raise limits_memory of its destination, or let Galaxy resubmit it to one that has more"
    static let time =
        "Raise walltime of its destination, or let Galaxy resubmit it to one that gives more"
    static let room =
        "Add such a node, ask for less in its destination, or let Galaxy resubmit it to another one"
}
