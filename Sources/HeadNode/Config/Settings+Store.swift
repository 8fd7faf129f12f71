// SPDX-License-Identifier: Apache-2.0

import Contract
import S3Client
import Staging

extension Settings {
    /// The bucket, spoken to with the credentials that these settings mean.
    func store(
        policy: RetryPolicy = .standard,
        observe: @escaping StoreObserver = { _ in }
    ) throws(S3Error) -> S3Store {
        try StorageSettings(location: storage, prefix: prefix, profile: profile)
            .store(policy: policy, observe: observe)
    }
}

extension StorageSettings {
    /// The bucket, spoken to with the credentials that these settings mean.
    func store(
        policy: RetryPolicy = .standard,
        environment: [String: String] = ProcessEnvironment.current(),
        observe: @escaping StoreObserver = { _ in }
    ) throws(S3Error) -> S3Store {
        var environment = environment
        if let profile { environment["AWS_PROFILE"] = profile }
        return try StoreFactory.store(
            at: location,
            environment: environment,
            policy: policy,
            observe: observe
        )
    }
}
