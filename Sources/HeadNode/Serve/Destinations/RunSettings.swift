// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The settings of the runs of one destination, which share them.
final class RunSettings: Sendable {
    let settings: Settings
    /// What about the destination should be known to whoever wrote it.
    let remarks: [String]

    init(_ settings: Settings, remarks: [String] = []) {
        self.settings = settings
        self.remarks = remarks
    }
}

/// Everything that is configured, but for what a destination adds.
struct SettingsSources: Sendable {
    var file: ConfigFile?
    var environment: [String: String]
    var flags: [String]

    func resolver(_ destination: [ConfigEntry] = []) -> SettingsResolver {
        SettingsResolver(
            file: file,
            environment: environment,
            flags: flags,
            destination: destination
        )
    }
}

/// Finds the settings of runs; those of the last destinations are kept.
final class DestinationSettings: Sendable {
    /// Rules can make a destination for every job.
    private static let mostKept = 256

    private let sources: SettingsSources
    private let plain: RunSettings
    private let warnings: [ConfigProblem]
    private let kept = Mutex<[Destination: RunSettings]>([:])

    /// - Parameters:
    ///   - settings: what `sources` give without a destination.
    ///   - warnings: what is said of it.
    init(
        _ sources: SettingsSources,
        _ settings: Settings,
        warnings: [ConfigProblem] = []
    ) {
        self.sources = sources
        self.warnings = warnings
        plain = RunSettings(settings)
    }

    func find(_ destination: Destination?) throws(ConfigError) -> RunSettings {
        guard let destination, !destination.parameters.isEmpty else { return plain }
        if let known = kept.withLock({ $0[destination] }) { return known }
        let parameters = DestinationParameters(destination)
        guard parameters.problems.isEmpty else { throw ConfigError(parameters.problems) }
        var resolver = sources.resolver(parameters.entries)
        let settings = try resolver.settings()
        // What holds for every destination was said when this process began.
        let own = resolver.warnings.filter { !warnings.contains($0) }.map(\.line)
        let found = RunSettings(settings, remarks: parameters.remarks + own)
        kept.withLock { kept in
            if kept.count >= Self.mostKept { kept = [:] }
            kept[destination] = found
        }
        return found
    }
}
