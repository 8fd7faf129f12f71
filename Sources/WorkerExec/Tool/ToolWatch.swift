// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Staging

/// Learns from another container of the pod that the tool has ended, however it died.
///
/// The process of `tool` holds a lock on the shared volume, on a file that the tool can neither
/// change nor replace; the kernel lets go of it when the process is gone, whether it ended, was
/// killed, or its container ran out of memory. A free lock is the end once there was a beginning,
/// of which there are three signs: the lock was seen held, `tool` said so, or who runs the pod says
/// that the container is gone. A tool can take away the second alone.
struct ToolWatch: Sendable {
    let state: StateFolder

    /// Waits for the tool's container to begin, then for its end.
    func outcome(
        _ signals: SignalInbox
    ) async throws(WorkerFailure) -> ToolPhase.Outcome {
        let killsBefore = MemoryEvents.kills()
        let folder = try state.toolFolder()
        let wasTold = await waitUntilFree(try state.toolLock(), folder, signals)
        if let outcome = folder.outcome() { return wasTold ? .stopped(outcome.tool) : outcome }
        var tool = ToolOutcome(
            end: .noExitCode,
            exitCode: nil,
            scriptStatus: nil,
            detail: "The tool's container ended without a word: it was killed."
        )
        if wasTold { return .stopped(tool) }
        // Seen where the containers share a cgroup; a container's own does not show its neighbour's.
        if let before = killsBefore, let kills = MemoryEvents.kills(), kills > before {
            tool.end = .outOfMemory
            tool.detail = "The kernel killed the tool's container for want of memory."
            return .ended(tool)
        }
        // No tool can do that to its own container, so it says nothing about the tool.
        return .killed(tool)
    }

    /// - Returns: whether this container was told to stop before the tool had ended.
    private func waitUntilFree(
        _ lock: Descriptor,
        _ folder: ToolFolder,
        _ signals: SignalInbox
    ) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                let start = ContinuousClock.now
                var wasHeld = false
                while !Task.isCancelled {
                    // Asked first: who is gone now holds no lock afterwards.
                    let hasBegun = wasHeld || folder.hasBegun || isGone
                    if flock(lock.raw, LOCK_SH | LOCK_NB) == 0 {
                        flock(lock.raw, LOCK_UN)
                        if hasBegun { return false }
                    } else {
                        wasHeld = true
                    }
                    try? await Task.sleep(for: Self.pause(after: ContinuousClock.now - start))
                }
                return false
            }
            group.addTask {
                await signals.signal(0) != nil
            }
            let first = await group.next() ?? false
            if first {
                // The tool was told too, and has its grace; what it leaves then is what there is.
                _ = await group.next()
                return true
            }
            group.cancelAll()
            return false
        }
    }

    /// How long to wait before asking again: the end of a short tool is seen soon, and a long one is
    /// hardly disturbed.
    private static func pause(after elapsed: Duration) -> Duration {
        min(.milliseconds(100), .milliseconds(5) + elapsed / 20)
    }

    private var isGone: Bool { ((try? state.read(.toolEnded)) ?? nil) != nil }
}
