// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Staging

/// Learns from another container of the pod that the tool has ended, however it died.
///
/// The tool's process holds a lock on the shared volume; the kernel lets go of it when the process
/// is gone, whether it ended, was killed, or its container ran out of memory.
struct ToolWatch: Sendable {
    let state: StateFolder

    /// Waits for the tool's container to begin, then for its end.
    func outcome(
        _ signals: SignalInbox
    ) async throws(WorkerFailure) -> ToolPhase.Outcome {
        let lock = try state.toolLock()
        let wasTold = await waitUntilFree(lock, signals)
        if let bytes = try state.read(.tool), !bytes.isEmpty {
            let end = try state.require(ToolPhase.HandOver.self, from: .tool)
            return wasTold || end.wasToldToStop ? .stopped(end.tool) : .ended(end.tool)
        }
        let tool = ToolOutcome(
            end: .noExitCode,
            exitCode: nil,
            scriptStatus: nil,
            detail: "The tool's container ended without a word: it was killed."
        )
        return wasTold ? .stopped(tool) : .ended(tool)
    }

    /// - Returns: whether this container was told to stop before the tool had ended.
    private func waitUntilFree(
        _ lock: Descriptor,
        _ signals: SignalInbox
    ) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                while (try? await Task.sleep(for: .milliseconds(100))) != nil {
                    guard (try? state.read(.toolStarted)) ?? nil != nil else { continue }
                    if flock(lock.raw, LOCK_SH | LOCK_NB) == 0 { return false }
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
}
