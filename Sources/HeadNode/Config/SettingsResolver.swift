// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client
import Staging

/// Makes settings of what file, environment and flags say; later wins, and everything wrong with
/// any of them is reported at once.
struct SettingsResolver {
    private let environment: [String: String]
    private var entries: [String: [ConfigEntry]] = [:]
    private(set) var problems: [ConfigProblem] = []
    /// What works, but not as whoever wrote it may think.
    private(set) var warnings: [ConfigProblem]
    private let refused: Set<String>
    private let configFile: String?

    /// - Parameters:
    ///   - flags: as `--set` takes them, `KEY=VALUE`.
    ///   - destination: what holds for one run.
    init(
        file: ConfigFile?,
        environment: [String: String],
        flags: [String] = [],
        destination: [ConfigEntry] = []
    ) {
        self.environment = environment
        refused = file?.refused ?? []
        configFile = file?.name
        let own = ConfigSources.environment(environment)
        let set = ConfigSources.flags(flags)
        problems = (file?.problems ?? []) + own.problems + set.problems
        warnings = (file?.warnings ?? []) + own.warnings + set.warnings
        let all =
            ConfigSources.shared(environment) + (file?.entries ?? []) + own.entries + set.entries
            + destination
        for entry in all { entries[entry.path, default: []].append(entry) }
    }

    /// All settings.
    mutating func settings() throws(ConfigError) -> Settings {
        let instance = read(ConfigSchema.instance)
        let executor = read(ConfigSchema.executor)
        let retries = read(ConfigSchema.retries)
        let disruptions = read(ConfigSchema.disruptions)
        let disruptionDelay = read(ConfigSchema.disruptionDelay)
        let bucket = storage()
        let outputs = outputs(bucket?.prefix)
        var policy = staging()
        var local = local()
        let serve = serve()
        var kubernetes = kubernetes()
        // Read whatever runs the tools: what is wrong is said now.
        let walltime = read(KubernetesKeys.walltime)
        let podRetries = podRetries()
        var tries = retries
        policy?.outputsAreObjects = outputs?.mode.staysInBucket == true
        if executor == .kubernetes {
            check(kubernetes)
            if let walltime { policy?.limits.walltimeSeconds = walltime }
            tries = podRetries ?? retries
        }
        let cache = cache(
            executor,
            executor == .kubernetes ? kubernetes.shape : local?.effectiveShape
        )
        local?.cache = cache?.settings
        kubernetes.cache = cache?.settings
        policy?.caching = cache?.scope ?? .nothing
        if let instance, let executor, let tries, let disruptions, let disruptionDelay,
            let bucket, let policy, let outputs, let local, let serve, problems.isEmpty
        {
            return Settings(
                instance: instance,
                storage: bucket.location,
                prefix: bucket.prefix,
                profile: bucket.profile,
                staging: policy,
                outputs: outputs,
                executor: executor,
                local: local,
                kubernetes: kubernetes,
                retries: tries,
                disruptions: disruptions,
                disruptionDelay: disruptionDelay,
                serve: serve,
                privateFiles: PrivateFiles.places(
                    configFile: configFile,
                    kubeconfig: kubernetes.access.configPath,
                    environment: environment
                )
            )
        }
        throw ConfigError(problems)
    }

    /// Only what says where the bucket is, for commands that need nothing else. What is wrong
    /// elsewhere is reported all the same.
    mutating func storageSettings() throws(ConfigError) -> StorageSettings {
        if let storage = storage(), problems.isEmpty { return storage }
        throw ConfigError(problems)
    }

    /// What wins for each key, in the order of the table.
    var winners: [(key: ConfigKey, entry: ConfigEntry?)] {
        ConfigSchema.keys.map { ($0, entries[$0.path]?.last) }
    }

    // MARK: One value

    /// The value that wins; nil when there is none, or none that can be used. Those that lose are
    /// checked too.
    mutating func read<Value>(_ typed: TypedKey<Value>) -> Value? {
        let written = entries[typed.key.path] ?? []
        guard !written.isEmpty else { return typed.key.fallback.flatMap { try? typed.parse($0) } }
        var value: Value?
        for entry in written {
            do throws(BadValue) { value = try typed.parse(entry.text) } catch {
                report(typed.key, error.why, error.remedy, at: entry.origin)
            }
        }
        return value
    }

    mutating func report(
        _ key: ConfigKey,
        _ why: String,
        _ remedy: String,
        at origin: ConfigEntry.Origin? = nil
    ) {
        let place = origin ?? entries[key.path]?.last?.origin ?? .fallback
        problems.append(ConfigProblem(at: place, what: "\(key.path): \(why)", remedy: remedy))
    }

    /// Notes that a key must be set, and in which ways it can be.
    mutating func reportMissing(
        _ key: ConfigKey,
        _ what: String
    ) {
        problems.append(
            ConfigProblem(
                place: key.path,
                what: what,
                remedy:
                    "Set it in the file, as \(key.environmentName), or with --set \(key.path)=NAME."
            )
        )
    }

    /// Notes what works, but should be known.
    mutating func warn(
        _ key: ConfigKey,
        _ why: String,
        _ remedy: String
    ) {
        let place = entries[key.path]?.last?.origin ?? .fallback
        warnings.append(ConfigProblem(at: place, what: "\(key.path): \(why)", remedy: remedy))
    }

    /// Whether somebody set the key, rightly or not.
    func isSet(_ key: ConfigKey) -> Bool { entries[key.path] != nil || refused.contains(key.path) }

    // MARK: Sections

    private mutating func storage() -> StorageSettings? {
        let bucket = read(ConfigSchema.bucket)
        let endpoint = read(ConfigSchema.endpoint)
        let region = read(ConfigSchema.region) ?? "us-east-1"
        let prefix = read(ConfigSchema.prefix)
        let addressing = read(ConfigSchema.addressing)
        let checksums = read(ConfigSchema.checksums)
        let encryption = read(ConfigSchema.encryption)
        let kmsKeyID = read(ConfigSchema.kmsKeyID)
        let storageClass = read(ConfigSchema.storageClass)
        let requesterPays = read(ConfigSchema.requesterPays)
        let allowHTTP = read(ConfigSchema.allowHTTP)
        let profile = read(ConfigSchema.profile)
        let certificates = certificates()
        if !isSet(ConfigSchema.bucket.key) {
            reportMissing(ConfigSchema.bucket.key, "no bucket is set")
        }
        guard let bucket, let prefix, let addressing, let checksums, let encryption,
            let storageClass, let requesterPays, let allowHTTP
        else { return nil }
        let location = StorageLocation(
            bucket: bucket,
            endpoint: endpoint,
            region: region,
            addressing: addressing,
            checksums: checksums,
            encryption: encryption == "none" ? nil : encryption,
            kmsKeyID: kmsKeyID,
            storageClass: storageClass == "none" ? nil : storageClass,
            requesterPays: requesterPays ? true : nil,
            allowHTTP: allowHTTP,
            caPEM: certificates
        )
        check(location)
        return StorageSettings(location: location, prefix: prefix, profile: profile)
    }

    /// Asks the client itself, one aspect after the other, so that the message names the key.
    private mutating func check(_ location: StorageLocation) {
        let addressing = S3Endpoint.Addressing(rawValue: location.addressing) ?? .automatic
        func endpoint(
            _ url: String?,
            _ bucket: String,
            _ addressing: S3Endpoint.Addressing
        ) throws(S3Error) -> S3Endpoint {
            try S3Endpoint(
                url: url,
                bucket: bucket,
                region: "us-east-1",
                addressing: addressing,
                allowHTTP: location.allowHTTP
            )
        }
        var blamed = ConfigSchema.region.key
        do throws(S3Error) {
            let plain = try endpoint(nil, "some-bucket", .path)
            _ = try StorageOptions(endpoint: plain, region: location.region)
            blamed = ConfigSchema.bucket.key
            _ = try endpoint(nil, location.bucket, .path)
            blamed = ConfigSchema.endpoint.key
            _ = try endpoint(location.endpoint, "some-bucket", .path)
            blamed = ConfigSchema.addressing.key
            _ = try endpoint(location.endpoint, location.bucket, addressing)
            blamed = ConfigSchema.kmsKeyID.key
            if location.encryption != nil || location.kmsKeyID != nil {
                _ = try StorageOptions.Encryption(
                    named: location.encryption ?? "none",
                    kmsKeyID: location.kmsKeyID
                )
            }
        } catch {
            report(blamed, ConfigProblem.continuing(error.what.utf8), error.remedy)
        }
    }

    private mutating func certificates() -> String? {
        let key = ConfigSchema.caFile
        if let path = read(key) {
            do throws(BadValue) { return try CertificateFile.read(path) } catch {
                report(key.key, error.why, error.remedy)
                return nil
            }
        }
        // The variable often names the system's whole list, which no command line takes: then the
        // head uses it by itself, and workers trust what their image does.
        guard let text = environment["AWS_CA_BUNDLE"], !text.isEmpty,
            let path = try? FilePath(normalising: text.utf8)
        else { return nil }
        return try? CertificateFile.read(path)
    }

    private mutating func staging() -> StagingPolicy? {
        let packBelow = read(ConfigSchema.packBelow)
        let transfers = read(ConfigSchema.transfers)
        let onFailure = read(ConfigSchema.onFailure)
        let deadline = read(ConfigSchema.pushDeadline)
        let walltime = read(ConfigSchema.walltime)
        let grace = read(ConfigSchema.grace)
        guard let packBelow, let transfers, let onFailure, let deadline, let walltime, let grace
        else { return nil }
        return StagingPolicy(
            packBelow: packBelow,
            onFailure: onFailure,
            limits: Limits(
                walltimeSeconds: walltime,
                pushSeconds: deadline,
                graceSeconds: grace,
                transfers: transfers
            )
        )
    }

    private mutating func outputs(_ own: KeyPrefix?) -> OutputSettings? {
        let mount = read(ConfigSchema.linkMount)
        let prefix = read(ConfigSchema.linkPrefix)
        let linksInputs = read(ConfigSchema.linkInputs)
        guard let mode = read(ConfigSchema.outputMode), let prefix, let linksInputs
        else { return nil }
        if linksInputs, !isSet(ConfigSchema.linkMount.key) {
            reportMissing(
                ConfigSchema.linkMount.key,
                "link.inputs is true, and nothing says where the bucket is mounted"
            )
        }
        let bucketMount = mount.map { BucketMount(path: $0, prefix: prefix) }
        switch mode {
        case .copy, .objectStore: break
        case .link:
            if !isSet(ConfigSchema.linkMount.key) {
                reportMissing(
                    ConfigSchema.linkMount.key,
                    "output_mode is link, and nothing says where the bucket is mounted"
                )
            }
        }
        if let bucketMount, let own, !bucketMount.shows(own) {
            report(
                ConfigSchema.linkPrefix.key,
                "nothing below s3.prefix (\(own)) is seen there",
                "Write s3.prefix or what is above it."
            )
        }
        return OutputSettings(mode: mode, mount: bucketMount, linksInputs: linksInputs)
    }

    private mutating func serve() -> ServeSettings? {
        let jobs = read(ConfigSchema.stagingJobs)
        let metrics = read(ConfigSchema.metricsListen)
        guard let jobs, let metrics else { return nil }
        return ServeSettings(jobs: jobs, metrics: metrics)
    }

    private mutating func local() -> LocalSettings? {
        let root = read(ConfigSchema.localRoot)
        let network = read(ConfigSchema.localNetwork)
        let shape = read(ConfigSchema.localShape)
        let worker = read(ConfigSchema.worker)
        let state = stateDirectory()
        guard let root, let network, let shape, let state else { return nil }
        return LocalSettings(
            root: root,
            network: network,
            shape: shape,
            stateDirectory: state,
            worker: worker
        )
    }

    private mutating func stateDirectory() -> FilePath? {
        let key = ConfigSchema.stateDirectory
        if entries[key.key.path] != nil { return read(key) }
        if let path = StateDirectory.standard(environment) { return path }
        report(
            key.key,
            "neither XDG_STATE_HOME nor HOME says where state belongs",
            "Set \(key.key.path) to a directory of this user's."
        )
        return nil
    }
}

/// Where the bucket is.
struct StorageSettings: Sendable, Equatable {
    var location: StorageLocation
    var prefix: KeyPrefix
    var profile: String?
}

/// Where state is kept when nobody says so (XDG base directory specification).
enum StateDirectory {
    static func standard(_ environment: [String: String]) -> FilePath? {
        func below(_ variable: String, _ rest: String) -> FilePath? {
            guard let base = environment[variable], !base.isEmpty else { return nil }
            return try? FilePath(normalising: Array((base + rest).utf8))
        }
        return below("XDG_STATE_HOME", "/galaxy-s3-executor")
            // Root's home is closed to the user that root's tools run as.
            ?? (environment["HOME"] == "/root"
                ? try? FilePath("/var/lib/galaxy-s3-executor")
                : below("HOME", "/.local/state/galaxy-s3-executor"))
    }
}
