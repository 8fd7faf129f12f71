// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Kubernetes
import Names
import S3Client
import Staging

/// What settings become when work begins: a store, and an executor.
struct Session: Sendable {
    let settings: Settings
    let store: S3Store
    /// The cluster that tries run on, if the settings name one.
    let cluster: Cluster?
    /// What the worker is to sign with.
    private let credentials: Credentials?

    /// Looks for credentials and makes the store; speaks to nobody yet but for credentials.
    ///
    /// - Parameters:
    ///   - observe: told what the store goes through.
    ///   - observeCluster: told what calls of the API server go through.
    init(
        _ settings: Settings,
        observe: @escaping StoreObserver = { _ in },
        observeCluster: @escaping ClusterObserver = { _ in }
    ) async throws(HeadError) {
        self.settings = settings
        cluster = try Cluster(settings, observe: observeCluster)
        do throws(S3Error) {
            let factory = try StoreFactory(settings.storage, profile: settings.profile)
            store = factory.store(observe: observe)
            if case .found(let found) = try await factory.credentials.find() {
                credentials = found
            } else {
                credentials = nil
            }
        } catch {
            throw HeadError(error, doing: "Cannot use the bucket \(settings.storage.bucket)")
        }
    }

    /// Does `work`, and all the while what its runs share: for a cluster, one watch of Jobs and one
    /// of Pods. Runs are followed within; ending and removing them needs no more than an executor.
    func serving<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(HeadError) -> Value
    ) async throws(HeadError) -> Value {
        guard let cluster else { return try await work() }
        return try await cluster.serving(settings.instance, work)
    }

    /// Where runs live.
    ///
    /// - Parameter run: the run's own settings; nil for the session's.
    func place(_ run: Settings? = nil) -> RunPlace {
        RunPlace(run ?? settings, server: cluster?.server)
    }

    /// The executor for a run.
    ///
    /// - Parameters:
    ///   - subject: what is said of Galaxy's job where it runs.
    ///   - run: the run's own settings; nil for the session's.
    func executor(
        for subject: JobSubject,
        _ run: Settings? = nil
    ) throws(HeadError) -> any Executor {
        let settings = run ?? settings
        switch settings.executor {
        case .local:
            return LocalExecutor(
                settings: settings.local,
                bubblewrap: try Programs.bubblewrap(),
                worker: try Programs.worker(settings.local.worker),
                program: try Programs.itself(),
                environment: workerEnvironment()
            )
        case .kubernetes:
            guard let cluster else {
                throw HeadError(
                    .executor,
                    what: "No cluster was configured when this head began",
                    remedy:
                        "Set executor to kubernetes in the configuration that it is started with."
                )
            }
            return KubernetesExecutor(
                cluster: cluster,
                settings: settings.kubernetes,
                instance: settings.instance,
                subject: subject
            )
        }
    }

    /// A worker gets credentials and a plain environment, nothing else of the head's.
    private func workerEnvironment() -> [ByteString] {
        var entries = [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG=C.UTF-8",
        ]
        if let credentials {
            entries.append("AWS_ACCESS_KEY_ID=\(credentials.accessKeyID)")
            entries.append("AWS_SECRET_ACCESS_KEY=\(credentials.secretKey.reveal())")
            if let token = credentials.sessionToken {
                entries.append("AWS_SESSION_TOKEN=\(token.reveal())")
            }
        }
        return entries.map { ByteString($0) } + Self.proxies()
    }

    /// What curl reads of the environment; the worker goes the same way to the bucket as the head.
    private static func proxies() -> [ByteString] {
        let names = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]
        let upper = ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]
        return ProcessLaunch.ownEnvironment()
            .filter { entry in
                (names + upper).contains { entry.bytes.starts(with: Array("\($0)=".utf8)) }
            }
    }
}
