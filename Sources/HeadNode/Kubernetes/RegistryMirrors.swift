// SPDX-License-Identifier: Apache-2.0

/// Where images are taken from instead of where their names say.
struct RegistryMirrors: Sendable, Equatable {
    /// One row of the table: what begins with `source` begins with `target` instead.
    struct Rule: Sendable, Equatable {
        var source: ImageName
        var target: ImageName
    }

    var rules: [Rule] = []

    /// The name to pull the image by. The longest source that fits wins; tag and digest stay. An
    /// image that no source fits keeps its name as it was written.
    func name(for image: ImageReference) -> String {
        let name = image.name.components
        let fitting = rules.filter { name.starts(with: $0.source.components) }
        guard
            let rule = fitting.max(by: { $0.source.components.count < $1.source.components.count })
        else { return image.description }
        let rest = name.dropFirst(rule.source.components.count)
        return image.renamed((rule.target.components + rest).joined(separator: "/"))
    }
}
