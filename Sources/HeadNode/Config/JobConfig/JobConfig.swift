// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What Galaxy's job configuration says of runners, environments and tools, each value with its place;
/// whichever of Galaxy's two forms it is written in.
struct JobConfig {
    /// One value.
    struct Parameter {
        let name: String
        let value: ParameterValue
        let origin: ConfigEntry.Origin
    }

    /// Where a job goes that did not come to its end.
    struct Resubmission {
        let condition: String?
        let environment: String?
        let origin: ConfigEntry.Origin
    }

    /// A runner, an environment or a tool.
    struct Section {
        let name: String
        let origin: ConfigEntry.Origin
        /// What it says, with what Galaxy takes apart from the parameters. The last of a name counts.
        var parameters: [Parameter]
        /// The names by which rules find it, beside its own.
        var tags: [String] = []
        var resubmissions: [Resubmission] = []
        /// What Galaxy would read otherwise than it is meant. It concerns us if the section is ours.
        var problems: [ConfigProblem] = []
        /// What cannot be judged here.
        var warnings: [ConfigProblem] = []

        subscript(name: String) -> Parameter? {
            parameters.last { $0.name.utf8.elementsEqual(name.utf8) }
        }
    }

    /// As messages name the file.
    let name: String
    let form: JobConfigForm
    var runners: [Section] = []
    var environments: [Section] = []
    var tools: [Section] = []
    /// Where tools go for which nothing else is said.
    var defaultEnvironment: String?
    var problems: [ConfigProblem] = []
    var warnings: [ConfigProblem] = []

    init(
        named name: String,
        in form: JobConfigForm
    ) {
        self.name = name
        self.form = form
    }

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - name: as messages show it; what Galaxy takes for XML by its name is read as XML.
    ///   - environment: the variables that a value may come from.
    init(
        _ bytes: [UInt8],
        named name: String,
        environment: [String: String]
    ) {
        switch JobConfigForm(ofFile: name) {
        case .yaml: self = YAMLJobConfig(bytes, named: name).config
        case .xml: self = XMLJobConfig(bytes, named: name, environment).config
        }
    }
}

extension JobConfig.Section {
    /// Whether Galaxy passes it over.
    var isDisabled: Bool { self["enabled"].map { !$0.isTrue } ?? false }

    /// What a runner says of the cluster, as our own configuration has it.
    var kubernetesEntries: [ConfigEntry] {
        parameters.compactMap { parameter in
            guard parameter.name.utf8.starts(with: "k8s_".utf8),
                let key = ConfigSchema.key(at: "kubernetes.\(parameter.name)"),
                let text = parameter.value.text(for: key)
            else { return nil }
            return ConfigEntry(path: key.path, text: text, origin: parameter.origin)
        }
    }
}

extension JobConfig.Parameter {
    /// A text as it is; nil for what is none.
    var word: String? { value.word }

    /// As Galaxy reads yes and no.
    var isTrue: Bool {
        switch value {
        case .flag(let flag): flag
        case .text(let text): ParameterValue.word(for: text) == "true"
        default: false
        }
    }
}
