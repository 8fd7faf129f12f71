// SPDX-License-Identifier: Apache-2.0

/// Maps `items` with at most `limit` under way at once; results keep the items' order.
///
/// The first failure cancels what is under way and is thrown when all of it has ended.
package func boundedMap<Item: Sendable, Value: Sendable, Failure: Error>(
    _ items: [Item],
    limit: Int,
    _ body: @escaping @Sendable (Item) async throws(Failure) -> Value
) async throws(Failure) -> [Value] {
    let outcome = await withTaskGroup(
        of: (Int, Result<Value, Failure>).self,
        returning: Result<[Value], Failure>.self
    ) { group in
        var results = [Value?](repeating: nil, count: items.count)
        var next = 0
        func start() {
            guard next < items.count else { return }
            let index = next
            next += 1
            group.addTask {
                do throws(Failure) {
                    return (index, .success(try await body(items[index])))
                } catch {
                    return (index, .failure(error))
                }
            }
        }
        for _ in 0..<max(1, limit) { start() }
        var failure: Failure?
        for await (index, result) in group {
            switch result {
            case .success(let value):
                results[index] = value
                if failure == nil { start() }
            case .failure(let error):
                if failure == nil {
                    failure = error
                    group.cancelAll()
                }
            }
        }
        if let failure { return .failure(failure) }
        return .success(results.compactMap { $0 })
    }
    return try outcome.get()
}
