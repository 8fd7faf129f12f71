// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client
import Staging

/// Every key there is. What is read, what is refused, names in the environment, flags and the
/// documentation all follow from this table.
enum ConfigSchema {
    /// The block in `galaxy.yml`.
    static let block = "s3_executor"
    static let environmentPrefix = "GALAXY_S3_EXECUTOR_"
    /// Names the configuration file.
    static let fileVariable = environmentPrefix + "CONFIG"

    static let instance = text(
        "instance",
        fallback: "galaxy",
        expected: "1 to 32 lower-case letters, digits and hyphens, no hyphen at either end",
        doc: "Name of this Galaxy. Give each Galaxy that shares bucket and prefix its own."
    ) { (text) throws(ContractError) in try InstanceName(text) }
    static let executor: TypedKey<Settings.ExecutorKind> = choice(
        "executor",
        fallback: .local,
        doc: "What runs the tools: `local` is this machine, in namespaces made by bubblewrap; "
            + "`kubernetes` a cluster, as the section of that name says."
    )
    static let retries = count(
        "retries",
        fallback: 1,
        in: 0...20,
        doc: "How often a run that came to nothing is tried again."
    )
    static let disruptions = count(
        "disruptions",
        fallback: 5,
        in: 0...100,
        doc: "How often a run is tried again after evictions and other disruptions."
    )
    static let disruptionDelay = duration(
        "disruption_delay",
        fallback: "5s",
        in: 0...300,
        doc: "How long a run waits after a disruption; twice as long after each further one."
    )
    static let outputMode: TypedKey<OutputMode> = choice(
        "output_mode",
        fallback: .copy,
        doc:
            "What becomes of outputs: `copy` brings them back to Galaxy's disk; `link` leaves them in "
            + "the bucket and puts links into its mount there; `object_store` copies them inside the "
            + "bucket to where Galaxy's own S3 object store keeps its data."
    )
    static let linkMount = path(
        "link.mount",
        absent: "none; required for `output_mode: link`",
        doc: "Where the bucket is mounted, read-only. Inputs that are links into it are not staged."
    )
    static let linkPrefix = text(
        "link.prefix",
        fallback: "/",
        expected: "s3.prefix or what is above it; / for the whole bucket",
        doc: "The part of the bucket that is seen at `link.mount`; `/` is the whole bucket."
    ) { (text) throws(ContractError) in try KeyPrefix(text) }
    static let linkInputs = flag(
        "link.inputs",
        fallback: false,
        doc:
            "Whether inputs larger than `staging.pack_below` become links too once they are staged: "
            + "datasets in Galaxy's own file store, nothing else."
    )

    static let bucket = plain(
        "s3.bucket",
        absent: "required",
        expected: "the name of a bucket, without s3:// and prefix",
        doc: "The bucket through which all files go."
    )
    static let endpoint = plain(
        "s3.endpoint",
        absent: "`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, else AWS",
        expected: "https://host or https://host:port",
        doc: "Where the store is. Worker pods must reach it under the same name."
    )
    static let region = plain(
        "s3.region",
        absent: "`AWS_REGION`, `AWS_DEFAULT_REGION`, else `us-east-1`",
        expected: "a region as the store has it, such as eu-central-1",
        doc: "The region that requests are signed for."
    )
    static let prefix = text(
        "s3.prefix",
        fallback: "galaxy",
        expected: "segments of letters, digits and . _ - joined by single slashes; / for none",
        doc: "The part of the bucket that is ours; `/` is the whole bucket."
    ) { (text) throws(ContractError) in try KeyPrefix(text) }
    static let addressing = word(
        "s3.addressing",
        fallback: "auto",
        of: ["auto", "path", "virtual"],
        doc: "How the bucket is named in a URL; `auto` is virtual hosts on AWS, paths elsewhere."
    )
    static let checksums = word(
        "s3.checksums",
        fallback: "when_supported",
        of: ["when_supported", "when_required"],
        doc: "`when_required` sends no checksum headers, for stores that refuse them."
    )
    static let encryption = word(
        "s3.encryption",
        fallback: "none",
        of: ["none", "AES256", "aws:kms"],
        doc:
            "`AES256` asks for SSE-S3, `aws:kms` for SSE-KMS; `none` leaves it to the bucket's own "
            + "default."
    )
    static let kmsKeyID = plain(
        "s3.kms_key_id",
        absent: "the key that KMS has for S3",
        expected: "the ID or ARN of a key, or alias/NAME",
        doc: "With `encryption: aws:kms`: the key. Head and workers need `kms:GenerateDataKey` and "
            + "`kms:Decrypt` on it."
    )
    static let storageClass = word(
        "s3.storage_class",
        fallback: "none",
        of: ["none"] + StorageOptions.StorageClass.allCases.map(\.rawValue),
        doc:
            "How objects are kept, by the names of S3 that can be read at once; `none` leaves it to "
            + "the bucket's own default."
    )
    static let requesterPays = flag(
        "s3.requester_pays",
        fallback: false,
        doc: "Whether the account of our credentials pays for requests, in a bucket that wants it."
    )
    static let allowHTTP = flag(
        "s3.allow_http",
        fallback: false,
        doc: "Whether `http://` may be used for another machine: data travels in the clear."
    )
    static let caFile = path(
        "s3.ca_file",
        absent: "`AWS_CA_BUNDLE`, else the system's",
        doc: "PEM certificates to trust in place of the system's, at most 64 KiB; read at start."
    )
    static let profile = plain(
        "s3.profile",
        absent: "`AWS_PROFILE`, else the usual places in order",
        expected: "the name of a profile",
        doc: "The profile of the shared AWS files to take credentials from."
    )

    static let packBelow = size(
        "staging.pack_below",
        fallback: "256Ki",
        in: 0...(64 << 20),
        doc: "Files of at most this many bytes travel together in one tar object."
    )
    static let transfers = count(
        "staging.transfers",
        fallback: 16,
        in: 1...256,
        doc: "Whole-object transfers at once, on the head and in a worker."
    )

    static let stagingJobs = count(
        "staging.jobs",
        fallback: 8,
        in: 1...1000,
        doc: "Of how many jobs `serve` moves files at once; the others wait in line."
    )

    static let cachePath = TypedKey(
        key: ConfigKey(
            path: "cache.path",
            kind: .path,
            expected: "none, or the absolute path of a directory",
            fallback: "none",
            absent: "",
            doc:
                "A directory of each node where workers keep what many jobs read, for `shape: split`: "
                + "reference data and tools' files. Only the worker's `fetch` ever sees it."
        ),
        parse: { (text) throws(BadValue) -> FilePath? in
            text == "none" ? nil : try ConfigValues.path(text)
        }
    )
    static let cacheSize = size(
        "cache.size",
        fallback: "50Gi",
        in: (1 << 20)...(1 << 50),
        doc: "How much it may hold; what was used longest ago makes room."
    )
    static let cacheInputs = flag(
        "cache.inputs",
        fallback: false,
        doc: "Whether input datasets are kept there too: they are users' data."
    )

    static let metricsListen = text(
        "metrics.listen",
        fallback: "none",
        expected: "none, an address with a port such as 127.0.0.1:9464, or unix:/path",
        doc:
            "Where `serve` tells metrics to Prometheus; `{server}` in a path is the Galaxy server's"
            + " name."
    ) { (text) throws(BadValue) in try MetricsAddress(text) }

    static let onFailure: TypedKey<PushRules.OnFailure> = choice(
        "push.on_failure",
        fallback: .all,
        doc: "What is stored when the tool fails: all, the declared outputs and logs, or logs."
    )
    static let pushDeadline = duration(
        "push.deadline",
        fallback: "1h",
        in: 60...604_800,
        doc: "How long a worker goes on trying to store results while the store is away."
    )

    static let walltime = optionalDuration(
        "limits.walltime",
        in: 1...31_536_000,
        doc: "A tool is stopped after this long; `none` is no limit."
    )
    static let grace = duration(
        "limits.grace",
        fallback: "20s",
        in: 0...3600,
        doc: "How long a tool told to end may take before it is killed."
    )

    static let localRoot = TypedKey(
        key: ConfigKey(
            path: "local.root",
            kind: .path,
            expected: "host, or the absolute path of a directory that holds a root file system",
            fallback: "host",
            absent: "",
            doc: "What a tool sees as `/`: this machine's `/usr` read-only, or a directory."
        ),
        parse: { (text) throws(BadValue) -> LocalSettings.RootFileSystem in
            text == "host" ? .host : .directory(try ConfigValues.path(text))
        }
    )
    static let localNetwork: TypedKey<LocalSettings.Network> = choice(
        "local.network",
        fallback: .host,
        doc: "Whether a tool has this machine's network or none."
    )
    static let localShape: TypedKey<PodShape> = choice(
        "local.shape",
        fallback: .single,
        doc: "`single`: one container does all. `split`: the tool's has no credential. "
            + "`network: none` needs `split` and takes it."
    )
    static let stateDirectory = path(
        "local.state_directory",
        absent: "`$XDG_STATE_HOME/galaxy-s3-executor`, else below `~/.local/state`;"
            + " for root `/var/lib/galaxy-s3-executor`",
        doc: "Where local tries keep their volume, log and lock."
    )
    static let worker = path(
        "local.worker",
        absent: "`galaxy-worker-exec` beside this program",
        doc: "The worker program."
    )

    /// All keys, in the order of the documentation.
    static let keys: [ConfigKey] = own + KubernetesKeys.keys

    private static let own: [ConfigKey] = [
        instance.key, executor.key, retries.key, disruptions.key, disruptionDelay.key,
        outputMode.key, linkMount.key, linkPrefix.key, linkInputs.key,
        bucket.key, endpoint.key, region.key, prefix.key, addressing.key, checksums.key,
        encryption.key, kmsKeyID.key, storageClass.key, requesterPays.key, allowHTTP.key,
        caFile.key, profile.key,
        packBelow.key, transfers.key, stagingJobs.key, cachePath.key, cacheSize.key,
        cacheInputs.key, metricsListen.key,
        onFailure.key, pushDeadline.key,
        walltime.key, grace.key,
        localRoot.key, localNetwork.key, localShape.key, stateDirectory.key, worker.key,
    ]

    /// The key at `path`, such as `s3.bucket`.
    static func key(at path: String) -> ConfigKey? { keys.first { $0.path == path } }

    /// What may stand directly below `section` (nil for the block itself).
    static func names(below section: String?) -> [String] {
        var names: [String] = []
        for key in keys {
            let components = key.components
            let name: String
            if let section {
                guard components.count == 2, components[0] == section else { continue }
                name = components[1]
            } else {
                name = components[0]
            }
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// Whether `name` is a section, such as `s3`.
    static func isSection(_ name: String) -> Bool { !names(below: name).isEmpty }
}
