// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Yams

/// What the block in `galaxy.yml` says, each value with its line and column.
struct ConfigFile: Sendable, Equatable {
    private(set) var entries: [ConfigEntry] = []
    private(set) var problems: [ConfigProblem] = []
    /// What has no effect, and why.
    private(set) var warnings: [ConfigProblem] = []
    /// The keys that are there with a value that is none; `problems` says why.
    private(set) var refused: Set<String> = []
    /// Whether the block is there at all.
    let hasBlock: Bool
    /// As messages show it.
    let name: String

    /// Reads the content of a file.
    ///
    /// What YAML itself refuses, and every key or value that cannot be one, ends in `problems`.
    init(
        _ bytes: [UInt8],
        named name: String
    ) {
        self.name = name
        do throws(ConfigError) {
            guard let block = try ConfigBlock.cut(from: bytes, of: name) else {
                hasBlock = false
                return
            }
            hasBlock = true
            read(block)
        } catch {
            hasBlock = true
            problems = error.problems
        }
    }

    private mutating func read(_ block: ConfigBlock) {
        do {
            // The encoding is given because the default's look-up can print to standard output.
            let parser = try Parser(yaml: block.text, encoding: .utf8)
            let root = try parser.singleRoot()
            // Nodes refer to their anchors weakly; the parser owns them.
            withExtendedLifetime(parser) {
                guard let value = root?.mapping?.first?.value else { return }
                readSection(value, named: nil)
            }
        } catch let error as YamlError {
            problems.append(ConfigProblem(error, in: name))
        } catch {
            problems.append(ConfigProblem(place: name, what: "\(error)".logSafe, remedy: ""))
        }
    }

    private mutating func readSection(_ node: Node, named section: String?) {
        let title = section ?? ConfigSchema.block
        if refuseAnchor(node) { return }
        guard let mapping = node.mapping else {
            refuse(
                node,
                "\(title) must hold keys and values",
                "Write a key below it, such as \(ConfigSchema.names(below: section)[0])."
            )
            return
        }
        for (keyNode, value) in mapping where !refuseAnchor(keyNode) {
            guard let text = keyNode.scalar?.string else {
                refuse(keyNode, "a key is a name", "Write a name and a colon.")
                continue
            }
            let path = section.map { "\($0).\(text)" } ?? text
            // Text is compared by its bytes: canonical equivalence is not spelling.
            if ConfigSchema.names(below: section)
                .contains(where: { $0.utf8.elementsEqual(text.utf8) })
            {
                if section == nil, ConfigSchema.isSection(text) {
                    readSection(value, named: text)
                } else if let key = ConfigSchema.key(at: path) {
                    readValue(value, of: key)
                }
            } else if let ignored = IgnoredKey.at(path) {
                warnings.append(ignored.warning(at: origin(keyNode)))
            } else {
                let (what, remedy) = UnknownKey(path).explanation
                refuse(keyNode, what, remedy)
            }
        }
    }

    private mutating func readValue(_ node: Node, of key: ConfigKey) {
        refused.insert(key.path)
        if refuseAnchor(node) { return }
        guard let scalar = node.scalar else {
            if let text = Self.text(node, for: key) {
                refused.remove(key.path)
                entries.append(ConfigEntry(path: key.path, text: text, origin: origin(node)))
            } else {
                refuse(node, "\(key.path) takes one value", "Write \(key.expected).")
            }
            return
        }
        if let trap = ScalarTrap(scalar, of: node.tag, for: key) {
            refuse(node, trap.what, trap.remedy)
            return
        }
        refused.remove(key.path)
        entries.append(ConfigEntry(path: key.path, text: scalar.string, origin: origin(node)))
    }

    /// A list or a map as the text that would say the same, for keys that take one.
    private static func text(_ node: Node, for key: ConfigKey) -> String? {
        switch key.kind {
        case .structure:
            return try? serialize(node: node)
        case .list:
            if let pairs = node.mapping {
                let texts = pairs.compactMap { name, value in
                    name.scalar.flatMap { name in
                        value.scalar.map { "\(name.string)=\($0.string)" }
                    }
                }
                return texts.count == pairs.count ? texts.joined(separator: ",") : nil
            }
            let texts = node.sequence?.compactMap { $0.scalar?.string } ?? []
            return texts.count == node.sequence?.count ? texts.joined(separator: ",") : nil
        default:
            return nil
        }
    }

    private mutating func refuseAnchor(_ node: Node) -> Bool {
        guard node.anchor != nil else { return false }
        refuse(node, "anchors and aliases are not used here", "Write the value out.")
        return true
    }

    private mutating func refuse(_ node: Node, _ what: String, _ remedy: String) {
        problems.append(ConfigProblem(at: origin(node), what: what, remedy: remedy))
    }

    private func origin(_ node: Node) -> ConfigEntry.Origin {
        .file(name, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }
}
