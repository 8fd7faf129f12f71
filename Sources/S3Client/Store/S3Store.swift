// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport

/// One bucket of an S3 store, over HTTP.
///
/// A value: copies share connections, credentials, corrections, budget and counts, and may differ
/// in how long they go on trying.
package struct S3Store: ObjectStore {
    package let options: StorageOptions
    package private(set) var metrics: S3Metrics
    /// How long requests are tried again.
    package var policy: RetryPolicy
    /// How long it may say nothing, not one byte a second, while it copies or assembles.
    package var assemblySilence: Duration = .seconds(600)

    let transport: any HTTPTransport
    let credentials: CredentialsCache
    let clock: StoreClock
    let budget: RetryBudget
    let corrections: SharedCorrections
    let tokens = UploadTokens()
    let signingKeys = SigningKeys()
    private(set) var observe: StoreObserver

    package init(
        options: StorageOptions,
        credentials: any CredentialsProvider,
        transport: any HTTPTransport,
        policy: RetryPolicy = .standard,
        budget: RetryBudget = .shared,
        clock: StoreClock = .system,
        metrics: S3Metrics = S3Metrics(),
        observe: @escaping StoreObserver = { _ in }
    ) {
        self.options = options
        self.credentials = CredentialsCache(credentials, clock: clock)
        self.transport = transport
        self.policy = policy
        self.budget = budget
        self.clock = clock
        self.metrics = metrics
        self.observe = observe
        corrections = SharedCorrections(region: options.region)
    }

    /// The same store with another policy.
    package func with(policy: RetryPolicy) -> S3Store {
        var store = self
        store.policy = policy
        return store
    }

    /// The same store for one piece of work among many: its requests are counted by themselves too,
    /// and its trouble is told to `observe` alone.
    package func part(observe: @escaping StoreObserver) -> S3Store {
        var store = self
        store.metrics = S3Metrics(parent: metrics)
        store.observe = observe
        return store
    }

    package func url(of key: ObjectKey) -> String {
        "s3://\(options.endpoint.bucket)/\(key.logSafe)"
    }

    func call(_ operation: S3Operation, _ key: ObjectKey?, from source: ObjectKey? = nil) -> S3Call
    {
        S3Call(
            operation: operation,
            bucket: options.endpoint.bucket,
            key: key?.bytes ?? [],
            source: source?.bytes
        )
    }

    /// Runs attempts at `call` as the rules and the policy say.
    func run<Answer>(
        _ call: S3Call,
        attempt: (Int) async throws(AttemptFailure) -> Answer
    ) async throws(S3Error) -> Answer {
        let loop = RetryLoop(
            policy: policy,
            budget: budget,
            backoff: Backoff(),
            clock: clock,
            corrections: corrections,
            credentials: credentials,
            observe: observe,
            metrics: metrics
        )
        return try await loop.run(
            call,
            explain: { failure, code, effort in
                let inUse = await credentials.current
                let explanation = S3Explanation(
                    options: options,
                    region: corrections.region,
                    keyID: (failure.signer ?? inUse)?.shortKeyID,
                    ours: clock.now()
                )
                return explanation.error(call, failure, code, effort)
            },
            attempt: attempt
        )
    }

    var sendsChecksums: Bool { options.checksums == .whenSupported }
}
