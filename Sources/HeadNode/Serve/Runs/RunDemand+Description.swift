// SPDX-License-Identifier: Apache-2.0

import Names
import Staging

extension RunDemand {
    init(_ description: JobDescription, _ settings: Settings) {
        switch settings.executor {
        case .kubernetes:
            let resources = settings.kubernetes.tool.resources
            cpu = resources.requests.cpu ?? resources.limits.cpu ?? 0
            memory = resources.requests.memory ?? resources.limits.memory ?? 0
        case .local:
            // Nothing limits a tool on this machine; this is what it has been told.
            cpu = Self.number("GALAXY_SLOTS", description) * 1000
            memory = Self.number("GALAXY_MEMORY_MB", description) * 1_000_000
        }
        for input in description.inputs {
            if let object = input.object {
                bytes += object.size ?? 0
                continue
            }
            // What is in the mounted bucket does not move, and must not be waited for here.
            if settings.outputs.mount != nil, FileStatus(at: input.path)?.kind == .link { continue }
            bytes += FileStatus(following: input.path)?.stamp.size ?? 0
        }
    }

    /// What the environment says, if it is a number within reason.
    private static func number(_ name: String, _ description: JobDescription) -> Int64 {
        guard let value = description.environment[name],
            let number = Int64(String(decoding: value.bytes, as: UTF8.self)),
            (0...1_000_000_000).contains(number)
        else { return 0 }
        return number
    }
}
