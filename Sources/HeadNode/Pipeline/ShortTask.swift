// SPDX-License-Identifier: Apache-2.0

/// Does `body` in a task of its own, and waits for it.
///
/// A task keeps the deepest stack that it ever needed. So what is deep and short is done apart by
/// tasks that wait for hours, of which there may be thousands.
func inShortTask<Value: Sendable>(
    _ body: @escaping @Sendable () async throws(HeadError) -> Value
) async throws(HeadError) -> Value {
    let outcome = await withTaskGroup(
        of: Result<Value, HeadError>.self,
        returning: Result<Value, HeadError>?.self
    ) { group in
        group.addTask {
            do throws(HeadError) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        return await group.next()
    }
    guard let outcome else { throw HeadError(.interrupted, what: "Interrupted") }
    return try outcome.get()
}
