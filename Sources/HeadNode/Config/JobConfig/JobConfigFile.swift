// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Yams

/// What Galaxy's `job_conf.yml` says of runners and environments, each value with its line and column.
///
/// The file is Galaxy's: anchors, aliases and merge keys are resolved as Galaxy does it, and what is
/// no runner and no environment is passed over.
struct JobConfigFile {
    /// One value.
    struct Parameter {
        let name: String
        let value: ParameterValue
        let origin: ConfigEntry.Origin
    }

    /// A runner, an environment or a tool.
    struct Section {
        let name: String
        let origin: ConfigEntry.Origin
        /// What it says, with what Galaxy takes apart from the parameters.
        var parameters: [Parameter]
        /// What Galaxy passes over, because there is a `params` or `kwds` beside it.
        var passedOver: [Parameter] = []

        subscript(name: String) -> Parameter? {
            parameters.last { $0.name.utf8.elementsEqual(name.utf8) }
        }
    }

    private(set) var runners: [Section] = []
    private(set) var environments: [Section] = []
    private(set) var tools: [Section] = []
    /// Where tools go for which nothing else is said.
    private(set) var defaultEnvironment: String?
    private(set) var problems: [ConfigProblem] = []
    /// As messages name it.
    let name: String
    /// How many more values are read: aliases within aliases can stand for more than any memory holds.
    private var room = 100_000

    init(
        _ bytes: [UInt8],
        named name: String
    ) {
        self.name = name
        guard let text = String(validating: bytes, as: UTF8.self) else {
            problems = [
                ConfigProblem(
                    place: name,
                    what: "the file is not UTF-8",
                    remedy: "Save it in UTF-8."
                )
            ]
            return
        }
        do {
            let parser = try Parser(yaml: text, encoding: .utf8)
            let root = try parser.singleRoot()
            // Nodes refer to their anchors weakly; the parser owns them.
            withExtendedLifetime(parser) { read(root) }
        } catch let error as YamlError {
            problems.append(ConfigProblem(error, in: name))
        } catch {
            problems.append(ConfigProblem(place: name, what: "\(error)".logSafe, remedy: ""))
        }
        if room == 0 {
            problems.append(
                ConfigProblem(
                    place: name,
                    what: "the file has more values than anybody can have written",
                    remedy: "Use fewer aliases."
                )
            )
        }
    }

    private mutating func read(_ root: Node?) {
        let top = root.map(pairs) ?? []
        guard let runners = top.first(where: { $0.name == "runners" }) else {
            problems.append(
                ConfigProblem(
                    place: name,
                    what: "there are no runners",
                    remedy: "Name Galaxy's job_conf.yml."
                )
            )
            return
        }
        self.runners = sections(runners.value, listedUnder: "kwds")
        for (name, value, _) in top {
            if name == "execution" {
                for (name, value, _) in pairs(value) {
                    if name == "environments" {
                        environments = sections(value, listedUnder: "params")
                    } else if name == "default" {
                        defaultEnvironment = value.scalar?.string
                    }
                }
            } else if name == "tools" {
                tools = value.sequence?.map { section("", $0, origin($0), "params") } ?? []
            }
        }
    }

    /// A map from names, or a list whose members name themselves.
    private mutating func sections(
        _ node: Node,
        listedUnder key: String
    ) -> [Section] {
        var found: [Section] = []
        if let members = node.sequence {
            for member in members {
                let name = pairs(member).first { $0.name == "id" }?.value.scalar?.string ?? ""
                found.append(section(name, member, origin(member), key))
            }
        } else {
            for (name, value, origin) in pairs(node) {
                found.append(section(name, value, origin, key))
            }
        }
        return found
    }

    /// - Parameter key: what Galaxy takes the parameters from, if it is there.
    private mutating func section(
        _ name: String,
        _ node: Node,
        _ origin: ConfigEntry.Origin,
        _ key: String
    ) -> Section {
        var all = parameters(node)
        guard let inner = pairs(node).first(where: { $0.name == key })?.value else {
            return Section(name: name, origin: origin, parameters: all)
        }
        all.removeAll { $0.name == key }
        let apart = all.filter { GalaxyParameter.apart.contains($0.name) }
        let passedOver = all.filter { !GalaxyParameter.apart.contains($0.name) }
        return Section(
            name: name,
            origin: origin,
            parameters: apart + parameters(inner),
            passedOver: passedOver
        )
    }

    private mutating func parameters(_ node: Node) -> [Parameter] {
        var found: [Parameter] = []
        for (name, value, origin) in pairs(node) {
            found.append(Parameter(name: name, value: self.value(value), origin: origin))
        }
        return found
    }

    /// The pairs of a mapping: own ones win over merged ones.
    private func pairs(
        _ node: Node
    ) -> [(name: String, value: Node, origin: ConfigEntry.Origin)] {
        guard let mapping = node.mapping else { return [] }
        var own: [(name: String, value: Node, origin: ConfigEntry.Origin)] = []
        var merged: [(name: String, value: Node, origin: ConfigEntry.Origin)] = []
        for (key, value) in mapping {
            guard let name = key.scalar?.string else { continue }
            if name == "<<" {
                // Anchors are defined before they are used, so this comes to an end.
                for source in value.sequence.map(Array.init) ?? [value] { merged += pairs(source) }
            } else {
                own.append((name, value, origin(key)))
            }
        }
        for pair in merged where !own.contains(where: { $0.name == pair.name }) { own.append(pair) }
        return own
    }

    private mutating func value(_ node: Node) -> ParameterValue {
        guard room > 0 else { return .null }
        room -= 1
        switch node {
        case .mapping:
            var map: [String: ParameterValue] = [:]
            for (name, node, _) in pairs(node) { map[name] = value(node) }
            return .map(map)
        case .sequence(let members):
            var list: [ParameterValue] = []
            for member in members { list.append(value(member)) }
            return .list(list)
        case .scalar(let scalar): return Self.value(scalar, of: node)
        case .alias: return .null
        }
    }

    /// As Galaxy's own parser reads a scalar.
    private static func value(
        _ scalar: Node.Scalar,
        of node: Node
    ) -> ParameterValue {
        let tag = node.tag
        if tag == Tag(.null) { return .null }
        if tag == Tag(.bool), let flag = node.bool { return .flag(flag) }
        if tag == Tag(.int), let number = node.int { return .integer(Int64(number)) }
        if tag == Tag(.float), let number = node.float { return .number(number) }
        return .text(scalar.string)
    }

    private func origin(_ node: Node) -> ConfigEntry.Origin {
        .file(name, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }
}
