// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// Where symbolic links lead, by their text alone.
package enum LinkRules {
    /// What a link leads to that takes the place of one which may not come back: nothing, for ever, and
    /// outside every directory. Where Galaxy looks for results it finds the link, and says so; without it
    /// a collection would silently lack an element.
    package static let leftBehind = ByteString("/dev/null/left-behind")

    /// Whether `..` is nowhere but at the beginning: elsewhere it means the parent of whatever a link
    /// leads to, which no text tells.
    static func isPlain(_ link: LinkEntry) -> Bool {
        let components = link.target.bytes.split(separator: FilePath.separator)
        let climbs = components.drop { $0.elementsEqual("..".utf8) || $0.elementsEqual(".".utf8) }
        return !climbs.contains { $0.elementsEqual("..".utf8) }
    }

    /// The absolute path that `link` names; nil if it climbs above the root or is no path.
    ///
    /// The text decides nothing but a message or where to look next: files are still opened
    /// beneath a root and through no link.
    package static func target(of link: LinkEntry) -> FilePath? {
        var bytes = link.target.bytes
        guard !bytes.isEmpty else { return nil }
        if bytes.first != FilePath.separator {
            guard let parent = link.path.parent else { return nil }
            bytes = parent.bytes + [FilePath.separator] + bytes
        }
        var components: [ArraySlice<UInt8>] = []
        for component in bytes.split(separator: FilePath.separator) {
            if component.elementsEqual(".".utf8) { continue }
            if component.elementsEqual("..".utf8) {
                guard components.popLast() != nil else { return nil }
                continue
            }
            components.append(component)
        }
        let separator = [FilePath.separator]
        return try? FilePath(separator + components.joined(separator: separator))
    }
}
