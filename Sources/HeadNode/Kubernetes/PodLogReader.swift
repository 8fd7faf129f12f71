// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Synchronization

/// Follows the log of one container to its end, whatever cuts it off in between.
///
/// It is a courtesy: what it gives is live output and progress, and the bucket has all of it in the
/// end. So it gives up quietly where the log is not to be had.
struct PodLogReader: Sendable {
    let client: KubernetesClient
    let streams: Turnstile
    let pod: String
    let container: String
    /// Whether the container still runs, as far as is known.
    let isRunning: @Sendable () -> Bool
    /// Takes each line, without its time.
    let each: @Sendable (ArraySlice<UInt8>) -> Void

    /// How often in a row a log that cannot be read is asked for again once its container has ended.
    private static let patience = 3

    func callAsFunction() async {
        // Thrown when the task is cancelled before its turn.
        try? await streams.pass { () async throws(HeadError) in await read() }
    }

    private func read() async {
        let time = Mutex("")
        var failures = 0
        while !Task.isCancelled {
            var options = PodLogOptions()
            options.follow = true
            options.timestamps = true
            let from = time.withLock { $0 }
            options.sinceTime = from.isEmpty ? nil : from
            do throws(KubernetesError) {
                try await client.podLog(pod, container: container, options) { line in
                    guard let line = PodLine(line) else { return }
                    time.withLock { $0 = line.time }
                    each(line.text)
                }
                failures = 0
                guard isRunning() else { return }
            } catch {
                failures += 1
                if error.code == .cancelled || error.code == .forbidden { return }
                guard isRunning() || failures < Self.patience else { return }
            }
            let pause = min(10, 1 << min(failures, 4))
            guard (try? await Task.sleep(for: .seconds(pause))) != nil else { return }
        }
    }
}
