// SPDX-License-Identifier: Apache-2.0

/// Runs `work` for each number, at most `parallel` at a time, and gives the results in order.
///
/// After the first failure nothing new is begun, what runs is cancelled and waited for, and that
/// failure is thrown.
func inParallel<Result: Sendable>(
    _ numbers: ClosedRange<Int>,
    limit parallel: Int,
    _ work: @escaping @Sendable (Int) async throws(S3Error) -> Result
) async throws(S3Error) -> [Result] {
    typealias Outcome = Swift.Result<(Int, Result), S3Error>
    @Sendable func outcome(_ number: Int) async -> Outcome {
        do throws(S3Error) { return .success((number, try await work(number))) } catch {
            return .failure(error)
        }
    }
    return try await withTaskGroup(
        of: Outcome.self
    ) { group -> Swift.Result<[Result], S3Error> in
        var results: [Int: Result] = [:]
        var failure: S3Error?
        var next = numbers.lowerBound
        while next <= numbers.upperBound, next < numbers.lowerBound + parallel {
            let number = next
            group.addTask { await outcome(number) }
            next += 1
        }
        while let done = await group.next() {
            switch done {
            case .success(let (number, result)): results[number] = result
            case .failure(let error):
                // Those that follow failed because they were cancelled.
                if failure == nil { failure = error }
                group.cancelAll()
            }
            if failure == nil, next <= numbers.upperBound {
                let number = next
                group.addTask { await outcome(number) }
                next += 1
            }
        }
        if let failure { return .failure(failure) }
        return .success(results.sorted { $0.key < $1.key }.map(\.value))
    }
    .get()
}
