// SPDX-License-Identifier: Apache-2.0

/// Values from outside the file.
enum ConfigSources {
    /// What one source says.
    struct Found {
        var entries: [ConfigEntry] = []
        var problems: [ConfigProblem] = []
        var warnings: [ConfigProblem] = []
    }

    /// Our own variables; one that is empty counts as not set.
    static func environment(
        _ environment: [String: String]
    ) -> Found {
        var found = Found()
        let names = Dictionary(
            uniqueKeysWithValues: ConfigSchema.keys.map { ($0.environmentName, $0.path) }
        )
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard name.utf8.starts(with: ConfigSchema.environmentPrefix.utf8),
                name != ConfigSchema.fileVariable
            else { continue }
            if let path = names[name] {
                if value.isEmpty { continue }
                let origin = ConfigEntry.Origin.environment(name)
                found.entries.append(ConfigEntry(path: path, text: value, origin: origin))
            } else if let ignored = IgnoredKey.all.first(where: { $0.environmentName == name }) {
                found.warnings.append(ignored.warning(at: .environment(name)))
            } else {
                let near = EditDistance.nearest(to: name, in: names.keys.sorted())
                found.problems.append(
                    ConfigProblem(
                        place: "environment \(ConfigValues.shown(name))",
                        what: "unknown variable" + (near.map { "; did you mean \($0)?" } ?? ""),
                        remedy: "Unset it; docs/configuration.md lists all names."
                    )
                )
            }
        }
        return found
    }

    /// What programs that speak S3 share, the first name of each key that is set.
    static func shared(_ environment: [String: String]) -> [ConfigEntry] {
        var names: [(path: String, variables: [String])] = [
            (ConfigSchema.region.key.path, ["AWS_REGION", "AWS_DEFAULT_REGION"]),
            (ConfigSchema.profile.key.path, ["AWS_PROFILE"]),
        ]
        if !isTrue(environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]) {
            names.append(
                (ConfigSchema.endpoint.key.path, ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
            )
        }
        return names.compactMap { path, variables in
            for name in variables {
                guard let value = environment[name], !value.isEmpty else { continue }
                return ConfigEntry(path: path, text: value, origin: .shared(name))
            }
            return nil
        }
    }

    /// As AWS programs read a switch.
    private static func isTrue(_ value: String?) -> Bool {
        (value ?? "").utf8.map(\.asciiLowercase) == Array("true".utf8)
    }

    /// What `--set KEY=VALUE` says.
    static func flags(_ flags: [String]) -> Found {
        var found = Found()
        for flag in flags {
            let cut = flag.utf8.firstIndex(of: UInt8(ascii: "="))
            let path = String(flag[..<(cut ?? flag.endIndex)])
            guard let cut else {
                found.problems.append(
                    ConfigProblem(
                        place: "--set \(ConfigValues.shown(path))",
                        what: "there is no value",
                        remedy: "Write --set KEY=VALUE, such as --set s3.bucket=galaxy-data."
                    )
                )
                continue
            }
            if let ignored = IgnoredKey.at(path) {
                found.warnings.append(ignored.warning(at: .flag(path)))
            } else if let key = ConfigSchema.key(at: path) {
                let value = String(flag[flag.utf8.index(after: cut)...])
                // The plugin hands on what Galaxy has: of a job_conf.xml, texts like True and yes.
                let text = key.kind == .flag ? ParameterValue.word(for: value) : value
                found.entries.append(ConfigEntry(path: path, text: text, origin: .flag(path)))
            } else {
                let (what, remedy) = UnknownKey(path).explanation
                found.problems.append(
                    ConfigProblem(
                        place: "--set \(ConfigValues.shown(path))",
                        what: what,
                        remedy: remedy
                    )
                )
            }
        }
        return found
    }
}
