// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import FoundationEssentials
import Glibc
import Names

/// Where the configuration is: what every command that needs one takes.
struct ConfigOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The file with the block s3_executor.",
            discussion: """
                Without it: the file that GALAXY_S3_EXECUTOR_CONFIG names, else ./galaxy.yml if \
                it is there, else environment and flags alone.
                """,
            valueName: "file"
        )
    )
    var config: String?

    @Option(
        name: .long,
        parsing: .singleValue,
        help: ArgumentHelp(
            "Set one key, such as s3.bucket=galaxy-data; wins over file and environment.",
            valueName: "key=value"
        )
    )
    var set: [String] = []

    /// All settings.
    ///
    /// - Throws: Everything that is wrong, at once; such an error ends the program with 78.
    func settings() throws(ConfigError) -> Settings {
        var resolver = try resolver()
        let settings = try resolver.settings()
        resolver.showWarnings()
        return settings
    }

    /// Only where the bucket is.
    ///
    /// - Parameter bucket: wins over everything that is configured.
    func storageSettings(bucket: String? = nil) throws(ConfigError) -> StorageSettings {
        let path = ConfigSchema.bucket.key.path
        var resolver = try resolver(adding: bucket.map { ["\(path)=\($0)"] } ?? [])
        return try resolver.storageSettings()
    }

    /// All sources, read but not yet resolved.
    func resolver(adding flags: [String] = []) throws(ConfigError) -> SettingsResolver {
        try sources(adding: flags).resolver()
    }

    /// All sources, read.
    func sources(adding flags: [String] = []) throws(ConfigError) -> SettingsSources {
        let environment = ProcessInfo.processInfo.environment
        return SettingsSources(
            file: try file(environment),
            environment: environment,
            flags: set + flags
        )
    }

    /// The file that is used; nil for none.
    func fileName(_ environment: [String: String]) -> (name: String, isChosen: Bool)? {
        if let config { return (config, true) }
        if let name = environment[ConfigSchema.fileVariable], !name.isEmpty { return (name, true) }
        return access("galaxy.yml", F_OK) == 0 ? ("galaxy.yml", false) : nil
    }

    /// The file with Galaxy's job configuration: the one that is used, one that it names, or one
    /// beside it; nil if none is there.
    func jobConfigName(_ environment: [String: String]) throws(ConfigError) -> String? {
        guard let (name, _) = fileName(environment) else { return nil }
        let bytes = Array(name.utf8)
        let cut = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let folder = String(decoding: bytes[..<cut], as: UTF8.self)
        var names = ["job_conf.yml", "job_conf.xml"]
        switch JobConfigPlace(galaxyFile: try content(of: name)) {
        case .inline: return name
        case .file(let named): names.insert(named, at: 0)
        case .usual: break
        }
        return names.map { $0.utf8.first == UInt8(ascii: "/") ? $0 : folder + $0 }
            .first { access($0, F_OK) == 0 }
    }

    /// What the file that is used says of Galaxy's own directories; nothing where it cannot be read, which
    /// is said elsewhere.
    func galaxyPlaces(_ environment: [String: String]) -> GalaxyPlaces {
        guard let (name, _) = fileName(environment), let bytes = try? content(of: name) else {
            return GalaxyPlaces()
        }
        return GalaxyPlaces(galaxyFile: bytes)
    }

    /// The bytes of a configuration file.
    func content(
        of name: String,
        ifTooLong remedy: String = "Give the block a file of its own."
    ) throws(ConfigError) -> [UInt8] {
        do throws(SmallFile.Failure) {
            return try SmallFile.read(bytes: Array(name.utf8), limit: ConfigBlock.longest)
        } catch {
            throw ConfigError([problem(name, error, ifTooLong: remedy)])
        }
    }

    private func file(_ environment: [String: String]) throws(ConfigError) -> ConfigFile? {
        guard let (name, isChosen) = fileName(environment) else { return nil }
        let bytes = try content(of: name)
        let file = ConfigFile(bytes, named: name.logSafe)
        if isChosen, !file.hasBlock, file.problems.isEmpty {
            throw ConfigError([
                ConfigProblem(
                    place: name.logSafe,
                    what: "the file has no block \(ConfigSchema.block)",
                    remedy: "Add one; config/galaxy.example.yml shows every key."
                )
            ])
        }
        return file
    }

    private func problem(
        _ name: String,
        _ failure: SmallFile.Failure,
        ifTooLong remedy: String
    ) -> ConfigProblem {
        switch failure {
        case .tooLong:
            ConfigProblem(
                place: name.logSafe,
                what: "the file has more than 1Mi",
                remedy: remedy
            )
        case .system(let number):
            ConfigProblem(
                place: name.logSafe,
                what: "cannot read the file: \(String(cString: strerror(number)))",
                remedy: "Name a file that this user can read, with --config."
            )
        }
    }
}
