// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Yams

/// Reads Galaxy's `job_conf.yml`, or the same in a `galaxy.yml`, below `galaxy` and `job_config`.
///
/// The file is Galaxy's: anchors, aliases and merge keys are resolved as Galaxy does it, and what is
/// no runner and no environment is passed over.
struct YAMLJobConfig {
    private(set) var config: JobConfig
    /// How many more values are read: aliases within aliases can stand for more than any memory holds.
    private var room = 100_000

    init(
        _ bytes: [UInt8],
        named name: String
    ) {
        config = JobConfig(named: name, in: .yaml)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            config.problems = [
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
            config.problems.append(ConfigProblem(error, in: name))
        } catch {
            config.problems.append(ConfigProblem(place: name, what: "\(error)".logSafe, remedy: ""))
        }
        if room == 0 {
            config.problems.append(
                ConfigProblem(
                    place: name,
                    what: "the file has more values than anybody can have written",
                    remedy: "Use fewer aliases."
                )
            )
        }
    }

    private mutating func read(_ root: Node?) {
        var top = root.map(pairs) ?? []
        for name in ["galaxy", "job_config"] where !top.contains(where: { $0.name == "runners" }) {
            guard let inner = top.first(where: { $0.name == name }) else { break }
            top = pairs(inner.value)
        }
        guard let runners = top.first(where: { $0.name == "runners" }) else {
            config.problems.append(
                ConfigProblem(
                    place: config.name,
                    what: "there are no runners",
                    remedy: "Name Galaxy's \(config.form.fileName)."
                )
            )
            return
        }
        if runners.value.mapping == nil {
            report(
                runners.origin,
                "runners is no map, and Galaxy does not start with it",
                "Name each of them."
            )
        }
        config.runners = sections(runners.value, listedUnder: "kwds")
        for (name, value, _) in top {
            if name == "execution" {
                for (name, value, _) in pairs(value) {
                    if name == "environments" {
                        config.environments = sections(value, listedUnder: "params")
                    } else if name == "default" {
                        config.defaultEnvironment = value.scalar?.string
                    }
                }
            } else if name == "tools" {
                config.tools = value.sequence?.map { section("", $0, origin($0), "params") } ?? []
            }
        }
    }

    /// A map from names, or a list whose members name themselves.
    private mutating func sections(
        _ node: Node,
        listedUnder key: String
    ) -> [JobConfig.Section] {
        var found: [JobConfig.Section] = []
        if let members = node.sequence {
            for member in members {
                guard
                    let name = pairs(member).first(where: { $0.name == "id" })?.value.scalar?.string
                else {
                    report(
                        origin(member),
                        "this has no id, and Galaxy does not start with it",
                        "Write one."
                    )
                    continue
                }
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
    ) -> JobConfig.Section {
        var all = parameters(node)
        var passedOver: [JobConfig.Parameter] = []
        if let inner = pairs(node).first(where: { $0.name == key })?.value {
            all.removeAll { $0.name == key }
            passedOver = all.filter { !GalaxyParameter.apart.contains($0.name) }
            all.removeAll { !GalaxyParameter.apart.contains($0.name) }
            all += parameters(inner)
        }
        var section = JobConfig.Section(name: name, origin: origin, parameters: all)
        Self.readTags(&section)
        Self.readResubmissions(&section)
        for parameter in passedOver {
            let found = ConfigProblem(
                at: parameter.origin,
                what:
                    "Galaxy passes \(ConfigValues.shown(parameter.name)) over, because "
                    + "\(ConfigValues.shown(name)) has \(key)",
                remedy: "Write it below \(key)."
            )
            if GalaxyParameter.isOurs(parameter.name) {
                section.problems.append(found)
            } else {
                section.warnings.append(found)
            }
        }
        return section
    }

    // MARK: What Galaxy takes as it is, and stumbles over later

    private static func readTags(_ section: inout JobConfig.Section) {
        guard let parameter = section["tags"], parameter.value != .null else { return }
        if case .list(let members) = parameter.value {
            section.tags = members.compactMap(\.word)
        } else {
            section.warn(parameter, "tags is no list", "Write one, such as [large].")
        }
    }

    private static func readResubmissions(_ section: inout JobConfig.Section) {
        guard let parameter = section["resubmit"], parameter.value != .null else { return }
        guard case .list(let steps) = parameter.value else {
            return section.warn(parameter, "resubmit is no list of maps", example)
        }
        for step in steps {
            guard case .map(let pairs) = step else {
                section.warn(parameter, "a step of resubmit is no map", example)
                continue
            }
            for (name, value) in pairs.sorted(by: { $0.key < $1.key }) {
                if !ofResubmissions.contains(name) {
                    let near = EditDistance.nearest(to: name, in: ofResubmissions)
                    let what = "Galaxy passes \(ConfigValues.shown(name)) in resubmit over"
                    section.warn(parameter, what, near.map { "Write \($0)." } ?? "Delete it.")
                } else if name != "delay", value != .null, value.word == nil {
                    section.warn(parameter, "\(name) in resubmit is no text", example)
                }
            }
            section.resubmissions.append(
                JobConfig.Resubmission(
                    condition: pairs["condition"]?.word,
                    environment: pairs["environment"]?.word,
                    origin: parameter.origin
                )
            )
        }
    }

    private static let ofResubmissions = ["condition", "delay", "environment", "handler"]
    private static let example = "Write [{condition: memory_limit_reached, environment: …}]."

    private mutating func report(
        _ origin: ConfigEntry.Origin,
        _ what: String,
        _ remedy: String
    ) {
        config.problems.append(ConfigProblem(at: origin, what: what, remedy: remedy))
    }

    // MARK: Values

    private mutating func parameters(_ node: Node) -> [JobConfig.Parameter] {
        var found: [JobConfig.Parameter] = []
        for (name, value, origin) in pairs(node) {
            found.append(JobConfig.Parameter(name: name, value: self.value(value), origin: origin))
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
        .file(config.name, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }
}

extension JobConfig.Section {
    fileprivate mutating func warn(
        _ parameter: JobConfig.Parameter,
        _ what: String,
        _ remedy: String
    ) {
        warnings.append(ConfigProblem(at: parameter.origin, what: what, remedy: remedy))
    }
}
