// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Synchronization

/// Writes frames, to standard output as a rule, one whole line at a time.
///
/// Live output is a courtesy: when nobody reads any more, frames are dropped and the job goes on.
final class FrameWriter: Sendable {
    private let descriptor: Int32
    private let lock = Mutex(())

    /// - Parameter descriptor: where to; the caller closes it.
    init(to descriptor: Int32 = STDOUT_FILENO) { self.descriptor = descriptor }

    func write(_ frame: WorkerFrame) {
        guard let line = try? frame.line() else { return }
        lock.withLock { [descriptor] _ in
            line.withUnsafeBytes { bytes in
                var rest = bytes
                while !rest.isEmpty {
                    let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                    if count < 0 {
                        if errno == EINTR { continue }
                        return
                    }
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                }
            }
        }
    }

    /// Repeats what `meter` has counted every second while `work` runs, and once at its end.
    func showing<Value, Failure: Error>(
        _ meter: PhaseMeterReader,
        _ work: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        async let _: Void = tick(meter)
        defer { write(meter()) }
        return try await work()
    }

    private func tick(_ meter: PhaseMeterReader) async {
        while (try? await Task.sleep(for: .seconds(1))) != nil { write(meter()) }
    }

    /// A line for people, on standard error, where pods' logs keep it beside the frames.
    static func complain(_ message: String) {
        var line = Array("galaxy-worker-exec: \(message)\n".utf8)[...]
        while !line.isEmpty {
            let count = line.withUnsafeBytes {
                Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
            }
            if count <= 0 { return }
            line = line.dropFirst(count)
        }
    }
}

/// Gives the frame for what has been counted so far.
typealias PhaseMeterReader = @Sendable () -> WorkerFrame
