// SPDX-License-Identifier: Apache-2.0

/// Does `work`, which is cancelled when its time is over.
///
/// - Parameter seconds: how long it may take; nothing is begun if that is not more than 0.
/// - Returns: nil when the time, or this task, was over first.
func within<Value: Sendable>(
    _ seconds: Double,
    _ work: @escaping @Sendable () async -> Value
) async -> Value? {
    guard seconds > 0 else { return nil }
    return await withTaskGroup(of: Value?.self, returning: Value?.self) { group in
        group.addTask { await work() }
        group.addTask {
            // Woken early, it says the same: nobody waits any more.
            try? await Task.sleep(for: .seconds(seconds))
            return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        return first
    }
}
