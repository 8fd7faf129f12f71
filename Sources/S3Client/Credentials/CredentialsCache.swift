// SPDX-License-Identifier: Apache-2.0

/// The credentials in use, looked up once for everybody who asks.
///
/// One look-up is in flight at a time and shared by all who wait. It does not belong to any of
/// them: a waiter that is cancelled leaves it running for the others. A failed look-up is not kept;
/// the next caller starts a new one.
package actor CredentialsCache {
    /// How long before they expire credentials are renewed.
    static let renewalSeconds: Int64 = 15 * 60
    /// How long before they expire credentials are not used any more.
    static let marginSeconds: Int64 = 60

    private let provider: any CredentialsProvider
    private let clock: StoreClock
    private var flight: Task<Credentials, any Error>?
    /// The last that were found.
    private(set) var current: Credentials?
    /// Raised by `forget`, so that a look-up begun before it does not bring back what was dropped.
    private var generation = 0

    package init(_ provider: any CredentialsProvider, clock: StoreClock = .system) {
        self.provider = provider
        self.clock = clock
    }

    /// Credentials that are valid now.
    package func get() async throws(S3Error) -> Credentials {
        if let current, !isDue(current) { return current }
        do throws(S3Error) { return try await renewed() } catch {
            // Due is not expired: what we have is used until shortly before its end.
            if let current, isUsable(current), error.code != .cancelled { return current }
            throw error
        }
    }

    /// Drops the credentials: the next caller looks them up again.
    package func forget() {
        current = nil
        flight = nil
        generation += 1
    }

    private func renewed() async throws(S3Error) -> Credentials {
        let task = flight ?? start()
        flight = task
        let began = generation
        let result = await task.result
        if began == generation {
            flight = nil
            if case .success(let found) = result { current = found }
        }
        switch result {
        case .success(let found): return found
        case .failure(let error as S3Error): throw error
        case .failure(let error):
            throw S3Error(.noCredentials, what: "Cannot find credentials", cause: error)
        }
    }

    /// The bridge from many waiters to one look-up: unstructured on purpose, so that it outlives
    /// the waiter who happened to start it. The provider bounds its own time.
    private func start() -> Task<Credentials, any Error> {
        Task { [provider] in
            switch try await provider.find() {
            case .found(let credentials): return credentials
            case .absent(let why): throw S3Error.noCredentials([why])
            }
        }
    }

    private func isDue(_ credentials: Credentials) -> Bool {
        guard let expires = credentials.expires else { return false }
        return clock.now().seconds > expires.seconds - Self.renewalSeconds
    }

    private func isUsable(_ credentials: Credentials) -> Bool {
        guard let expires = credentials.expires else { return true }
        return clock.now().seconds < expires.seconds - Self.marginSeconds
    }
}

extension S3Error {
    /// No place had credentials; `places` says what was found in each.
    static func noCredentials(_ places: [String]) -> S3Error {
        S3Error(
            .noCredentials,
            what: "Cannot find credentials for the store",
            place: places.joined(separator: "; "),
            remedy: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a profile or a role."
        )
    }
}
