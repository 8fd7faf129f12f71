// SPDX-License-Identifier: Apache-2.0

/// The credentials in use, looked up once for everybody who asks.
///
/// One look-up is in flight at a time and shared by all who wait. It belongs to none of them: a
/// waiter that is cancelled goes at once and leaves it running for the others. A failed look-up is
/// not kept; the next caller starts a new one.
///
/// Credentials from files are read again when a file has changed, such as a mounted Secret: that is
/// looked at every few seconds, and whenever the store says no. What cannot be read then, because it
/// is half written or gone, leaves the last ones in use until they expire.
package actor CredentialsCache {
    /// How long before they expire credentials are renewed, or a quarter of their life if that is
    /// less.
    static let renewalSeconds: Int64 = 15 * 60
    /// How long before they expire credentials are not used any more.
    static let marginSeconds: Int64 = 60
    /// How long a failed renewal is not repeated while the credentials can still be used.
    static let pauseSeconds: Int64 = 60

    /// How long the files that credentials are from are not looked at again.
    static let inspectionInterval = Duration.seconds(5)

    private typealias Outcome = Result<Credentials, S3Error>

    private let provider: any CredentialsProvider
    private let clock: StoreClock
    /// The last that were found.
    private(set) var current: Credentials?
    private var obtained = Timestamp(seconds: 0)
    private var failed: Timestamp?
    /// When the files were last looked at.
    private var inspected = Duration.zero
    private var isLooking = false
    private var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
    private var nextWaiter = 0
    /// Raised by `forget`, so that a look-up begun before it does not bring back what was dropped.
    private var generation = 0

    package init(_ provider: any CredentialsProvider, clock: StoreClock = .system) {
        self.provider = provider
        self.clock = clock
    }

    /// Credentials that are valid now.
    package func get() async throws(S3Error) -> Credentials {
        if let current, !isDue(current), !isOutdated(current) { return current }
        do throws(S3Error) { return try await lookedUp() } catch {
            // Due or outdated is not expired: what we have is used until shortly before its end.
            if let current, isUsable(current), error.code != .cancelled { return current }
            throw error
        }
    }

    /// Drops the credentials: the next caller looks them up again.
    ///
    /// - Parameter refused: what the store did not accept; others, which somebody has looked up
    ///   since, are kept. nil drops any.
    package func forget(_ refused: Credentials? = nil) {
        if let refused {
            guard let current, current.signLike(refused) else { return }
        }
        current = nil
        failed = nil
        generation += 1
    }

    /// Whether there are others than `refused` by now: somebody has looked them up, or the files
    /// that they are from have changed, which this looks at.
    package func hasOthers(than refused: Credentials) async -> Bool {
        guard let current, current.signLike(refused) else { return true }
        inspected = clock.elapsed()
        guard !current.files.allSatisfy(\.isCurrent) else { return false }
        // A look-up that goes on may have read the old files.
        generation += 1
        guard let found = try? await lookedUp() else { return false }
        return !found.signLike(refused)
    }

    private func lookedUp() async throws(S3Error) -> Credentials {
        if !isLooking {
            isLooking = true
            // The bridge from many waiters to one look-up: unstructured on purpose, so that it
            // outlives the waiter who happened to start it. The provider bounds its own time.
            Task { await look() }
        }
        nextWaiter += 1
        let number = nextWaiter
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiters[number] = continuation
                if Task.isCancelled { dismiss(number) }
            }
        } onCancel: {
            // The bridge out of a synchronous handler into the actor.
            Task { await dismiss(number) }
        }
        return try outcome.get()
    }

    /// Looks until what was found is not of a generation that was dropped meanwhile.
    private func look() async {
        var outcome: Outcome
        var began: Int
        repeat {
            began = generation
            do throws(S3Error) {
                switch try await provider.find() {
                case .found(let credentials): outcome = .success(credentials)
                case .absent(let why): outcome = .failure(.noCredentials([why]))
                }
            } catch { outcome = .failure(error) }
        } while began != generation
        isLooking = false
        switch outcome {
        case .success(let found):
            current = found
            obtained = clock.now()
            inspected = clock.elapsed()
            failed = nil
        case .failure: failed = clock.now()
        }
        let waiting = waiters
        waiters = [:]
        for waiter in waiting.values { waiter.resume(returning: outcome) }
    }

    private func dismiss(_ number: Int) {
        let cancelled = S3Error(.cancelled, what: "Cannot wait for credentials: cancelled")
        waiters.removeValue(forKey: number)?.resume(returning: .failure(cancelled))
    }

    private func isDue(_ credentials: Credentials) -> Bool {
        guard let expires = credentials.expires else { return false }
        let now = clock.now().seconds
        if let failed, now < failed.seconds + Self.pauseSeconds, isUsable(credentials) {
            return false
        }
        let quarter = (expires.seconds - obtained.seconds) / 4
        return now > expires.seconds - min(Self.renewalSeconds, quarter)
    }

    private func isOutdated(_ credentials: Credentials) -> Bool {
        guard !credentials.files.isEmpty,
            clock.elapsed() - inspected >= Self.inspectionInterval
        else { return false }
        inspected = clock.elapsed()
        return !credentials.files.allSatisfy(\.isCurrent)
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
