// SPDX-License-Identifier: Apache-2.0

/// Runs `work` for each number, as many at a time as `limits` allow, and gives the results in order.
///
/// After the first failure nothing new is begun, what runs is cancelled and waited for, and that
/// failure is thrown.
func inParallel<Value: Sendable>(
    _ numbers: ClosedRange<Int>,
    _ limits: TransferLimits,
    _ work: @escaping @Sendable (Int) async throws(S3Error) -> Value
) async throws(S3Error) -> [Value] {
    let place = limits.room.map { ($0, $0.join()) }
    @Sendable func outcome(_ number: Int) async -> Event<Value> {
        do throws(S3Error) {
            let value =
                if let (room, member) = place {
                    try await room.place(of: member) { () throws(S3Error) in
                        try await work(number)
                    }
                } else {
                    try await work(number)
                }
            return .over(number, .success(value))
        } catch {
            return .over(number, .failure(error))
        }
    }
    return try await withTaskGroup(of: Event<Value>.self) { group -> Result<[Value], S3Error> in
        var pace = PartPace(numbers, limits)
        var results: [Int: Value] = [:]
        var failure: S3Error?
        @Sendable func look() async -> Event<Value> {
            try? await Task.sleep(for: limits.patience)
            return .patience
        }
        if pace.mayWiden { group.addTask { await look() } }
        while true {
            while failure == nil, let number = pace.begin() {
                group.addTask { await outcome(number) }
            }
            guard !pace.isIdle, let event = await group.next() else { break }
            switch event {
            case .over(let number, .success(let value)):
                pace.end(number)
                results[number] = value
            case .over(let number, .failure(let error)):
                pace.end(number)
                // Those that follow failed because they were cancelled.
                if failure == nil { failure = error }
                group.cancelAll()
            case .patience:
                pace.look()
                // Whoever is cancelled sleeps no more.
                if pace.mayWiden, failure == nil, !Task.isCancelled {
                    group.addTask { await look() }
                }
            }
        }
        // A look that nobody waits for any more.
        group.cancelAll()
        if let failure { return .failure(failure) }
        return .success(results.sorted { $0.key < $1.key }.map(\.value))
    }
    .get()
}

/// What a transfer in parts waits for.
private enum Event<Value: Sendable>: Sendable {
    case over(Int, Result<Value, S3Error>)
    /// Time for a look at what is under way.
    case patience
}
