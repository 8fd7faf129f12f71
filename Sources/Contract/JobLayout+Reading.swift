// SPDX-License-Identifier: Apache-2.0

import Names

extension JobLayout {
    /// What an object is for, as its key says.
    package enum Kind: Hashable, Sendable {
        /// Bytes staged from the head's disk.
        case stage
        /// A record of what is staged.
        case staged
        /// A pack named by its content.
        case pack
        /// Bytes of an output.
        case data(InstanceName, RunID)
        /// What a run has besides.
        case job(InstanceName, RunID)
        /// A record of a link on a head.
        case link(InstanceName)
        /// What somebody tried out, and should have removed.
        case trial
    }

    /// What the object at `key` is for; nil for a key that is none of ours.
    package func kind(of key: ObjectKey) -> Kind? {
        let own = Array(prefix.description.utf8)
        var parts =
            key.bytes
            .split(
                separator: FilePath.separator,
                omittingEmptySubsequences: false
            )[...]
        for segment in own.split(separator: FilePath.separator) {
            guard let first = parts.popFirst(), first.elementsEqual(segment) else { return nil }
        }
        let words = parts.map { String(decoding: $0, as: UTF8.self) }
        guard words.count >= 2, words.allSatisfy({ !$0.isEmpty }) else { return nil }
        switch words[0] {
        case "stage" where words.count == 3: return .stage
        case "staged" where words.count == 3: return .staged
        case "packs" where words.count == 2: return .pack
        case "data" where words.count == 5: return run(words).map { .data($0, $1) }
        case "jobs" where words.count >= 4: return run(words).map { .job($0, $1) }
        case "links" where words.count == 4: return (try? InstanceName(words[1])).map { .link($0) }
        case "mount", "doctor": return .trial
        default: return nil
        }
    }

    private func run(_ words: [String]) -> (InstanceName, RunID)? {
        guard let instance = try? InstanceName(words[1]), let run = try? RunID(words[2])
        else { return nil }
        return (instance, run)
    }
}
