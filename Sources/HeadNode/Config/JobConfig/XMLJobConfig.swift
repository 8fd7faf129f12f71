// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import XML

/// Reads Galaxy's `job_conf.xml` as Galaxy 26.1 does (`galaxy.jobs.job_config_xml_to_dict`).
///
/// All values are texts there. What Galaxy passes over without a word is said, where it is written at
/// a runner or destination of ours.
struct XMLJobConfig {
    private(set) var config: JobConfig
    private let environment: [String: String]

    /// - Parameter environment: the variables that a value may come from.
    init(
        _ bytes: [UInt8],
        named name: String,
        _ environment: [String: String]
    ) {
        config = JobConfig(named: name, in: .xml)
        self.environment = environment
        do throws(XMLProblem) {
            read(try XMLReader.parse(bytes))
        } catch {
            let found = ConfigProblem(error, in: name)
            switch error.kind {
            // Galaxy reads it.
            case .encoding, .documentType: config.warnings.append(found)
            case .malformed, .tooLarge: config.problems.append(found)
            }
        }
    }

    private mutating func read(_ root: XMLElement) {
        if let macros = root.child("macros") {
            // Galaxy expands them, so nothing is wrong with the file.
            config.warnings.append(
                problem(
                    macros,
                    "macros are not expanded here, so nothing in this file is looked at",
                    "Check a copy that has none."
                )
            )
            return
        }
        guard let plugins = root.child("plugins") else {
            report(root, "there are no plugins", "Name Galaxy's \(config.form.fileName).")
            return
        }
        guard let destinations = root.child("destinations") else {
            report(
                root,
                "there are no destinations, and Galaxy does not start with it",
                "Add some; job configurations in XML have them, not environments."
            )
            return
        }
        for plugin in plugins.all("plugin") { read(runner: plugin) }
        for destination in destinations.all("destination") { read(destination: destination) }
        config.defaultEnvironment = defaultName(of: destinations)
        for tool in root.child("tools")?.all("tool") ?? [] {
            config.tools.append(section("", tool, taking: ["class"]))
        }
    }

    // MARK: Sections

    private mutating func read(runner plugin: XMLElement) {
        // Galaxy has it for itself, and loads nothing.
        if plugin.attribute("id") == "dynamic" { return }
        guard let name = identity(of: plugin, needing: ["id", "type", "load"]) else { return }
        guard plugin.attribute("type") == "runner" else {
            config.warnings.append(
                problem(
                    plugin,
                    "Galaxy passes this plugin over, because its type is not runner",
                    "Write `type=\"runner\"`."
                )
            )
            return
        }
        var runner = section(name, plugin, taking: ["load", "workers"])
        pass(over: plugin, keeping: ["id", "type", "load", "workers"], ["param"], &runner)
        config.runners.append(runner)
    }

    private mutating func read(destination: XMLElement) {
        guard let name = identity(of: destination, needing: ["id", "runner"]) else { return }
        var section = section(name, destination, taking: ["runner", "metrics"])
        let commas = UInt8(ascii: ",")
        section.tags =
            destination.attribute("tags")
            .map {
                $0.utf8.split(separator: commas)
                    .map { String(decoding: $0, as: UTF8.self).withoutOuterSpaces }
            }
            ?? []
        for step in destination.all("resubmit") {
            section.resubmissions.append(
                JobConfig.Resubmission(
                    condition: step.attribute("condition"),
                    environment: step.attribute("destination"),
                    origin: origin(step)
                )
            )
            pass(
                over: step,
                keeping: ["condition", "destination", "handler", "delay"],
                [],
                &section
            )
        }
        pass(
            over: destination,
            keeping: ["id", "runner", "tags", "metrics"],
            ["param", "env", "resubmit", "job_metrics"],
            &section
        )
        config.environments.append(section)
    }

    /// What names a section; nil where Galaxy passes it over.
    private mutating func identity(
        of element: XMLElement,
        needing names: [StaticString]
    ) -> String? {
        guard let missing = names.first(where: { element.attribute($0) == nil }) else {
            return element.attribute("id")
        }
        config.warnings.append(
            ConfigProblem(
                at: origin(element),
                what:
                    "Galaxy passes this \(shown(element.name)) over, because it has no \(missing)",
                remedy: "Write `\(missing)=\"…\"`."
            )
        )
        return nil
    }

    /// - Parameter names: the attributes that Galaxy takes apart from the parameters.
    private func section(
        _ name: String,
        _ element: XMLElement,
        taking names: [StaticString]
    ) -> JobConfig.Section {
        var section = JobConfig.Section(name: name, origin: origin(element), parameters: [])
        for parameter in element.all("param") { read(parameter, &section) }
        // They are never a parameter's, so they come last.
        for name in names {
            guard let text = element.attribute(name) else { continue }
            section.parameters.append(
                JobConfig.Parameter(
                    name: "\(name)",
                    value: .text(text),
                    origin: origin(element)
                )
            )
        }
        return section
    }

    // MARK: Parameters

    private func read(
        _ element: XMLElement,
        _ section: inout JobConfig.Section
    ) {
        guard let name = element.attribute("id") else {
            section.problems.append(
                problem(element, "this parameter has no name", "Write `<param id=\"…\">`.")
            )
            return
        }
        if section[name] != nil {
            section.warnings.append(
                problem(
                    element,
                    "\(ConfigValues.shown(name)) is written twice, and Galaxy takes the last",
                    "Delete one of them."
                )
            )
        }
        section.parameters.append(
            JobConfig.Parameter(name: name, value: value(element), origin: origin(element))
        )
        if let key = element.attribute("from_config"), element.attribute("from_environ") == nil {
            section.warnings.append(
                problem(
                    element,
                    "\(ConfigValues.shown(name)) is galaxy.yml's \(ConfigValues.shown(key)) if that is "
                        + "set, which is not looked at here",
                    ""
                )
            )
        }
    }

    private func value(_ element: XMLElement) -> ParameterValue {
        if let variable = element.attribute("from_environ"), let text = environment[variable] {
            return .text(text)
        }
        let containers = element.all("container")
        if !containers.isEmpty {
            return .list(containers.map { .text(String(decoding: $0.text, as: UTF8.self)) })
        }
        // As it is, with spaces and line ends.
        return element.text.isEmpty ? .null : .text(String(decoding: element.text, as: UTF8.self))
    }

    private func defaultName(of destinations: XMLElement) -> String? {
        if let variable = destinations.attribute("default_from_environ"),
            let name = environment[variable]
        {
            return name
        }
        return destinations.attribute("default")
    }

    // MARK: What Galaxy passes over

    private func pass(
        over element: XMLElement,
        keeping attributes: [StaticString],
        _ children: [StaticString],
        _ section: inout JobConfig.Section
    ) {
        for attribute in element.attributes
        where !attributes.contains(where: { "\($0)".utf8.elementsEqual(attribute.name) }) {
            let name = shown(attribute.name)
            let isParameter = !children.isEmpty
            let found = problem(
                element,
                "Galaxy passes the attribute \(name) over",
                isParameter
                    ? "Write \(config.form.parameter(name, "…")), or delete it."
                    : nearest(attribute.name, attributes)
            )
            if isParameter, GalaxyParameter.isOurs(String(decoding: attribute.name, as: UTF8.self))
            {
                section.problems.append(found)
            } else {
                section.warnings.append(found)
            }
        }
        for child in element.children where !children.contains(where: child.isCalled) {
            section.warnings.append(
                problem(
                    child,
                    "Galaxy passes the element \(shown(child.name)) over",
                    nearest(child.name, children)
                )
            )
        }
    }

    private func nearest(
        _ name: [UInt8],
        _ names: [StaticString]
    ) -> String {
        EditDistance.nearest(to: String(decoding: name, as: UTF8.self), in: names.map { "\($0)" })
            .map { "Write \($0)." } ?? "Delete it."
    }

    private mutating func report(
        _ element: XMLElement,
        _ what: String,
        _ remedy: String
    ) {
        config.problems.append(problem(element, what, remedy))
    }

    private func problem(
        _ element: XMLElement,
        _ what: String,
        _ remedy: String
    ) -> ConfigProblem {
        ConfigProblem(at: origin(element), what: what, remedy: remedy)
    }

    private func origin(_ element: XMLElement) -> ConfigEntry.Origin {
        .file(config.name, line: element.line, column: nil)
    }

    private func shown(_ name: [UInt8]) -> String {
        ConfigValues.shown(String(decoding: name, as: UTF8.self))
    }
}

extension ConfigProblem {
    /// What the XML parser has found in a file.
    fileprivate init(
        _ problem: XMLProblem,
        in file: String
    ) {
        let unread = "nothing in this file is looked at, because \(problem.reason)"
        let refused = "this is no XML that is read here: \(problem.reason)"
        let (what, remedy) =
            switch problem.kind {
            case .malformed: (refused, "Correct the XML here or just above.")
            case .encoding: (unread, "Save it in UTF-8.")
            case .documentType: (unread, "Write out what its entities stand for, and delete it.")
            case .tooLarge: (refused, "Name Galaxy's \(JobConfigForm.xml.fileName).")
            }
        if let line = problem.line {
            self.init(at: .file(file, line: line, column: nil), what: what, remedy: remedy)
        } else {
            self.init(place: file, what: what, remedy: remedy)
        }
    }
}
