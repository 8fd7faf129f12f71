// SPDX-License-Identifier: Apache-2.0

/// What reads bytes that others have written. Whatever they are, it gives a value or an error of its
/// own; and what it lets through holds what its type promises, or the fuzzer stops here.
enum FuzzTarget: String, CaseIterable {
    /// Answers of S3 stores and of STS.
    case xml
    /// Heads of HTTP responses.
    case heads
    /// Names: paths, keys, and what is made of them for Kubernetes.
    case names
    /// The shared AWS files.
    case credentials
    /// The block in galaxy.yml, and all values in it.
    case configuration
    /// Galaxy's job_conf.yml.
    case jobs
    /// The plugin's description of a job.
    case description
    /// Lines of the plugin's.
    case requests
    /// What the head promises a worker.
    case spec
    /// What a worker says of an attempt, and what the head would do by it.
    case report
    /// Result, beginning, and where the store is.
    case result
    /// Lines of a worker's log.
    case frames
    /// Packs.
    case packs
    /// What API servers say: watches, refusals, pods.
    case watch

    static var list: String { allCases.map(\.rawValue).joined(separator: " ") }

    func run(_ bytes: [UInt8]) {
        switch self {
        case .xml: StoreFuzzing.xml(bytes)
        case .heads: StoreFuzzing.heads(bytes)
        case .names: NameFuzzing.names(bytes)
        case .credentials: StoreFuzzing.credentials(bytes)
        case .configuration: HeadFuzzing.configuration(bytes)
        case .jobs: HeadFuzzing.jobs(bytes)
        case .description: HeadFuzzing.description(bytes)
        case .requests: HeadFuzzing.requests(bytes)
        case .spec: ContractFuzzing.spec(bytes)
        case .report: ContractFuzzing.report(bytes)
        case .result: ContractFuzzing.result(bytes)
        case .frames: ContractFuzzing.frames(bytes)
        case .packs: ContractFuzzing.packs(bytes)
        case .watch: HeadFuzzing.watch(bytes)
        }
    }
}
