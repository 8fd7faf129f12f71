// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Synchronization

/// Watches a running tool: passes signals on, follows its streams, stops it at its walltime.
struct ToolSupervision: Sendable {
    /// Why the tool was stopped.
    enum Stop: Sendable {
        case signal
        case walltime
    }

    let reaper: ProcessReaper
    let limits: Limits
    let followers: [StreamFollower]
    let frames: FrameWriter

    /// How often streams are followed.
    private static let round = Duration.milliseconds(250)

    private enum Happening: Sendable {
        case ended(ProcessReaper.Ending)
        case over
    }

    /// Waits for the tool's end, and says whether it was stopped and why.
    func callAsFunction(
        _ signals: SignalInbox
    ) async -> (ProcessReaper.Ending, Stop?) {
        let stop = StopReason()
        let ending = await withTaskGroup(of: Happening.self) { group in
            group.addTask { .ended(await reaper.wait()) }
            group.addTask {
                await follow()
                return .over
            }
            group.addTask {
                if let signal = await signals.signal(0) {
                    await end(with: signal, because: .signal, stop)
                }
                return .over
            }
            group.addTask {
                // The first one begins the end; each further one is passed on as it comes.
                var index = 1
                while let signal = await signals.signal(index) {
                    reaper.send(signal)
                    index += 1
                }
                return .over
            }
            if let seconds = limits.walltimeSeconds {
                group.addTask {
                    guard (try? await Task.sleep(for: .seconds(seconds))) != nil else {
                        return .over
                    }
                    await end(with: SIGTERM, because: .walltime, stop)
                    return .over
                }
            }
            var ending = ProcessReaper.Ending(status: 255, cpuSeconds: 0, peakResidentBytes: 0)
            while let happening = await group.next() {
                guard case .ended(let found) = happening else { continue }
                ending = found
                group.cancelAll()
            }
            return ending
        }
        return (ending, stop.first)
    }

    /// The first reason counts.
    private final class StopReason: Sendable {
        private let reason = Mutex<Stop?>(nil)

        var first: Stop? { reason.withLock { $0 } }

        func note(_ stop: Stop) { reason.withLock { $0 = $0 ?? stop } }
    }

    /// Asks the tool to end, and makes it end when the grace is over.
    private func end(
        with signal: Int32,
        because reason: Stop,
        _ stop: StopReason
    ) async {
        stop.note(reason)
        reaper.send(signal)
        // Cancelled means that the tool has ended meanwhile.
        guard (try? await Task.sleep(for: .seconds(limits.graceSeconds))) != nil else { return }
        reaper.send(SIGKILL)
    }

    private func follow() async {
        var followers = followers
        var rounds = 0
        while true {
            // A sign of life every few rounds: there is nothing to count while a tool runs.
            if rounds % 4 == 0 {
                frames.write(
                    .progress(phase: "tool", bytes: 0, totalBytes: 0, files: 0, totalFiles: 0)
                )
            }
            rounds += 1
            let goesOn = (try? await Task.sleep(for: Self.round)) != nil
            for index in followers.indices { followers[index].round() }
            if !goesOn { return }
        }
    }
}
