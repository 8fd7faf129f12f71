// SPDX-License-Identifier: Apache-2.0

/// What a tool asks for and may take at most, and what it is told of that.
struct ToolResources: Sendable, Equatable {
    /// CPU in thousandths of a core, the others in bytes; nil where nothing is said.
    struct Amounts: Sendable, Equatable {
        var cpu: Int64?
        var memory: Int64?
        var ephemeralStorage: Int64?
    }

    var requests = Amounts()
    var limits = Amounts()

    /// `GALAXY_SLOTS`, `GALAXY_MEMORY_MB` and `GALAXY_MEMORY_MB_PER_SLOT` by the rule of Galaxy's own
    /// runner: from the requests if any is set, CPU rounded up; else from the limits, CPU rounded
    /// down, at least 1. A megabyte is 10^6 bytes, cut.
    var environment: [(name: String, value: String)] {
        let hasRequests = requests.cpu != nil || requests.memory != nil
        let amounts = hasRequests ? requests : limits
        let slots = amounts.cpu.map { cpu in
            hasRequests ? (cpu + 999) / 1000 : max(1, cpu / 1000)
        }
        let megabytes = amounts.memory.map { $0 / 1_000_000 }
        var variables: [(String, String)] = []
        if let slots { variables.append(("GALAXY_SLOTS", "\(slots)")) }
        if let megabytes {
            variables.append(("GALAXY_MEMORY_MB", "\(megabytes)"))
            if let slots, slots > 0 {
                variables.append(("GALAXY_MEMORY_MB_PER_SLOT", "\(megabytes / slots)"))
            }
        }
        return variables
    }
}

extension ToolResources.Amounts {
    /// As quantities, under the names of resources.
    var quantities: [String: String] {
        var quantities: [String: String] = [:]
        quantities["cpu"] = cpu.map(Quantity.cores)
        quantities["memory"] = memory.map(Quantity.text)
        quantities["ephemeral-storage"] = ephemeralStorage.map(Quantity.text)
        return quantities
    }
}
