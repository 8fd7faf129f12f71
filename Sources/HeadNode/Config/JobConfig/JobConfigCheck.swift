// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What is wrong with Galaxy's job configuration as far as it concerns our runners. Pure.
///
/// Galaxy does not start with a problem: so it is one that Galaxy itself does not start with, that fails
/// each job there, or that undoes what can only be meant for us. What is Galaxy's own, and taken by it, is
/// a warning at most.
struct JobConfigCheck {
    private(set) var problems: [ConfigProblem]
    /// What works, but not as whoever wrote it may think.
    private(set) var warnings: [ConfigProblem] = []
    /// The names of our runners, and of the environments that use them.
    let runners: [String]
    let environments: [String]

    private let file: JobConfig
    private let sources: SettingsSources
    private let executor: Settings.ExecutorKind?
    /// What holds where neither runner nor environment says it.
    private let outputMode: String
    /// What is wrong without any runner or environment.
    private let known: [ConfigProblem]
    private let claims: ClaimCheck

    /// - Parameters:
    ///   - sources: what is configured beside it.
    ///   - executor: what that says of the executor; nil where it says nothing that can be used.
    ///   - galaxy: where Galaxy's own files are.
    init(
        _ file: JobConfig,
        _ sources: SettingsSources,
        executor: Settings.ExecutorKind?,
        galaxy: GalaxyPlaces = GalaxyPlaces()
    ) {
        self.file = file
        self.sources = sources
        self.executor = executor
        claims = ClaimCheck(galaxy: galaxy)
        problems = file.problems
        warnings = file.warnings
        let ours = file.runners.filter {
            $0["load"]?.value == .text(GalaxyParameter.ourRunner) && !$0.isDisabled
        }
        runners = ours.map(\.name)
        let names = Set(runners)
        let environments = file.environments.filter {
            names.contains($0["runner"]?.word ?? "") && !$0.isDisabled
        }
        self.environments = environments.map(\.name)
        var base = sources.resolver()
        outputMode = base.winners.first { $0.key.path == "output_mode" }?.entry?.text ?? "copy"
        known = Self.problems(of: &base) + base.warnings
        for runner in ours { check(runner: runner) }
        for environment in environments {
            check(environment, of: ours.first { $0.name == environment["runner"]?.word })
        }
        checkRunnersExist()
        checkTools()
        problems = ConfigProblem.once(problems)
        warnings = ConfigProblem.once(warnings)
    }

    // MARK: Runners

    private mutating func check(runner: JobConfig.Section) {
        takeOver(runner)
        checkWorkers(of: runner)
        for parameter in runner.parameters where !GalaxyParameter.apart.contains(parameter.name) {
            let name = parameter.name
            if GalaxyParameter.ofRunners.contains(name) {
                check(choice: parameter)
            } else if name.utf8.starts(with: "k8s_".utf8) {
                checkName(ofRunner: parameter)
            } else {
                let belongs =
                    GalaxyParameter.ofEnvironments.contains(name)
                    || DestinationParameters.key(name) != nil
                let near = EditDistance.nearest(
                    to: name,
                    in: GalaxyParameter.ofRunners.sorted() + ConfigSchema.names(below: "kubernetes")
                )
                report(
                    parameter,
                    "the runner \(shown(runner)) takes no parameter \(ConfigValues.shown(name)), and "
                        + "Galaxy does not start with it",
                    belongs
                        ? "Write it at the \(file.form.environment)s of this runner."
                        : near.map { "Write \($0)." } ?? "Delete it."
                )
            }
        }
        resolve(runner.kubernetesEntries)
    }

    /// Galaxy starts so many threads, and takes a text for a number in XML alone.
    private mutating func checkWorkers(of runner: JobConfig.Section) {
        guard let parameter = runner["workers"] else { return }
        let count: Int64? =
            switch parameter.value {
            case .integer(let number): number
            case .flag(let flag): flag ? 1 : 0
            case .text(let text) where file.form == .xml: Int64(text.withoutOuterSpaces)
            default: nil
            }
        if let count, count > 0 { return }
        report(parameter, "workers is no whole number above 0, so no job would begin", "Write 4.")
    }

    private mutating func checkName(ofRunner parameter: JobConfig.Parameter) {
        let path = "kubernetes.\(parameter.name)"
        if let ignored = IgnoredKey.at(path) {
            warnings.append(ignored.warning(at: parameter.origin))
        } else if ConfigSchema.key(at: path) == nil {
            let (what, remedy) = UnknownKey(path).explanation
            report(parameter, what, remedy)
        }
    }

    /// Whether a setting of the plugin's has one of its words.
    private mutating func check(choice parameter: JobConfig.Parameter) {
        let words = [
            "metadata": ["external", "internal"], "output_mode": ["copy", "link", "object_store"],
        ]
        guard let allowed = words[parameter.name] else { return }
        if let word = parameter.word, allowed.contains(word) { return }
        report(
            parameter,
            "\(parameter.name) is none of its words",
            "Write \(allowed.dropLast().joined(separator: ", ")) or \(allowed[allowed.count - 1])."
        )
    }

    // MARK: Environments

    private mutating func check(
        _ environment: JobConfig.Section,
        of runner: JobConfig.Section?
    ) {
        takeOver(environment)
        var parameters = DestinationParameters()
        for parameter in environment.parameters
        where !GalaxyParameter.apart.contains(parameter.name) && parameter.value != .null {
            let name = parameter.name
            if DestinationParameters.key(name) != nil || name.utf8.contains(UInt8(ascii: ".")) {
                parameters.read(name, parameter.value, parameter.origin)
            } else if let ignored = IgnoredKey.at("kubernetes.\(name)") {
                warnings.append(ignored.warning(at: parameter.origin))
            } else if GalaxyParameter.ofEnvironments.contains(name) {
                check(choice: parameter)
            } else {
                checkStranger(parameter, in: environment)
            }
        }
        problems += parameters.problems
        resolve((runner?.kubernetesEntries ?? []) + parameters.entries)
        checkOutputs(environment, runner)
        checkContainer(environment)
        checkResubmission(environment)
    }

    /// A parameter that is neither ours nor known to have an effect.
    private mutating func checkStranger(
        _ parameter: JobConfig.Parameter,
        in environment: JobConfig.Section
    ) {
        let name = parameter.name
        let shownName = ConfigValues.shown(name)
        if GalaxyParameter.ofRunners.contains(name) {
            report(parameter, "\(shownName) is a parameter of runners", "Write it there.")
        } else if let near = GalaxyParameter.meant(by: name) {
            warn(
                parameter.origin,
                "neither Galaxy nor this runner knows \(shownName); did you mean \(near)?",
                "Write \(near)."
            )
        } else if let why = GalaxyParameter.whyUseless(name) {
            warnings.append(
                ConfigProblem(
                    at: parameter.origin,
                    what: "\(shownName) has no effect: \(why)",
                    remedy: "Delete it."
                )
            )
        } else if let now = UnknownKey("kubernetes.\(name)").nameNow {
            report(parameter, "\(shownName) is \(now) now", "Write \(now).")
        } else if let near = EditDistance.nearest(
            to: name,
            in: ConfigSchema.names(below: "kubernetes")
        ) {
            report(
                parameter,
                "unknown parameter \(shownName); did you mean \(near)?",
                "Write \(near)."
            )
        } else {
            let near = EditDistance.nearest(to: name, in: Self.namesOfGalaxys)
            warn(
                parameter.origin,
                "neither Galaxy nor this runner knows \(shownName)"
                    + (near.map { "; did you mean \($0)?" } ?? ""),
                "Delete it, unless a rule of yours reads it."
            )
        }
    }

    private static let namesOfGalaxys =
        GalaxyParameter.ofEnvironments.union(GalaxyParameter.apart).sorted()

    private mutating func checkOutputs(
        _ environment: JobConfig.Section,
        _ runner: JobConfig.Section?
    ) {
        let name = "outputs_to_working_directory"
        let mode = (environment["output_mode"] ?? runner?["output_mode"])?.word ?? outputMode
        if mode != "copy" {
            guard let parameter = environment[name], parameter.isTrue else { return }
            report(parameter, "Galaxy would move outputs out of the bucket", "Write false.")
        } else if let parameter = environment[name] {
            if parameter.isTrue { return }
            report(parameter, "results come back into the job's directory alone", "Write true.")
        } else {
            warnings.append(
                ConfigProblem(
                    at: environment.origin,
                    what: "the \(file.form.environment) \(shown(environment)) does not say \(name)",
                    remedy:
                        "Write \(file.form.parameter(name, "true")) here, unless galaxy.yml says so."
                )
            )
        }
    }

    private mutating func checkContainer(_ environment: JobConfig.Section) {
        guard executor == .kubernetes, environment["docker_enabled"]?.isTrue != true else { return }
        let origin = environment["docker_enabled"]?.origin ?? environment.origin
        problems.append(
            ConfigProblem(
                at: origin,
                what:
                    "Galaxy looks for no container for the \(file.form.environment) "
                    + "\(shown(environment)), and a pod needs one",
                remedy: "Write \(file.form.parameter("docker_enabled", "true"))."
            )
        )
    }

    /// Galaxy lays the next environment's parameters over the last one's.
    private mutating func checkResubmission(_ environment: JobConfig.Section) {
        for step in environment.resubmissions {
            guard let name = step.environment else {
                if step.condition == nil {
                    warn(
                        step.origin,
                        "a job that fails would come back to \(shown(environment)) without end",
                        "Say on which condition, or where else it goes."
                    )
                }
                continue
            }
            guard let next = find(environment: name) else {
                warn(
                    step.origin,
                    "there is no \(file.form.environment) \(ConfigValues.shown(name)) to send jobs to "
                        + "that fail",
                    "Name one that is there."
                )
                continue
            }
            guard let condition = step.condition else { continue }
            for (word, limits) in Self.limits where condition.contains(word) {
                for limit in limits where environment[limit] != nil && next[limit] == nil {
                    warnings.append(
                        ConfigProblem(
                            at: next.origin,
                            what:
                                "\(shown(next)) takes over \(limit) from \(shown(environment)), whose "
                                + "jobs come here for want of more",
                            remedy: "Write a larger \(limit) here."
                        )
                    )
                }
            }
        }
    }

    private static let limits = [
        ("memory_limit_reached", ["limits_memory"]),
        ("walltime_reached", ["limits.walltime", "k8s_walltime_limit"]),
    ]

    /// By its name, or by a tag.
    private func find(environment name: String) -> JobConfig.Section? {
        let enabled = file.environments.filter { !$0.isDisabled }
        return enabled.first { $0.name == name } ?? enabled.first { $0.tags.contains(name) }
    }

    // MARK: All of it

    private mutating func checkRunnersExist() {
        let names = Set(file.runners.map(\.name)).union(["dynamic", "dynamic_tpv", "dynamic_dtd"])
        for environment in file.environments where !environment.isDisabled {
            guard let runner = environment["runner"], let word = runner.word, !names.contains(word)
            else { continue }
            warn(
                runner.origin,
                "there is no runner \(ConfigValues.shown(word))",
                "Name one of \(file.runners.map(\.name).joined(separator: ", "))."
            )
        }
    }

    /// What cannot leave Galaxy's machine must not come to us by default.
    private mutating func checkTools() {
        guard let name = file.defaultEnvironment, environments.contains(name) else { return }
        for kind in ["local", "requires_galaxy"] {
            let isThere = file.tools.contains { $0["class"]?.word == kind }
            if isThere { continue }
            warnings.append(
                ConfigProblem(
                    place: file.name,
                    what: "tools of the class \(kind) need Galaxy's files, and come to \(name)",
                    remedy:
                        "Write \(file.form.tools(ofClass: kind)) with one of a local runner."
                )
            )
        }
    }

    /// What the file's own form has of it.
    private mutating func takeOver(_ section: JobConfig.Section) {
        problems += section.problems
        warnings += section.warnings
    }

    /// Finds the values that cannot be used.
    private mutating func resolve(_ entries: [ConfigEntry]) {
        if executor != .local { warnings += claims.warnings(entries) }
        var resolver = sources.resolver(entries)
        for problem in Self.problems(of: &resolver)
        where !known.contains(problem) && !problems.contains(problem) {
            problems.append(problem)
        }
        for warning in resolver.warnings
        where !known.contains(warning) && !warnings.contains(warning) {
            warnings.append(warning)
        }
    }

    private static func problems(of resolver: inout SettingsResolver) -> [ConfigProblem] {
        do throws(ConfigError) {
            _ = try resolver.settings()
            return []
        } catch {
            return error.problems
        }
    }

    private mutating func report(
        _ parameter: JobConfig.Parameter,
        _ what: String,
        _ remedy: String
    ) {
        problems.append(ConfigProblem(at: parameter.origin, what: what, remedy: remedy))
    }

    private mutating func warn(
        _ origin: ConfigEntry.Origin,
        _ what: String,
        _ remedy: String
    ) {
        warnings.append(ConfigProblem(at: origin, what: what, remedy: remedy))
    }

    private func shown(_ section: JobConfig.Section) -> String {
        ConfigValues.shown(section.name)
    }
}
