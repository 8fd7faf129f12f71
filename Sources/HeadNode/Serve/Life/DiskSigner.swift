// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import Staging
import Synchronization

/// Signs again and again, for a process that serves, that its Galaxy lives, and on which disk.
///
/// The place is beside the job directories, which whoever runs `gc` has to see; it is known by the first
/// job, or by the bucket. Trouble is said once, and never any job's.
final class DiskSigner: Sendable {
    private let signing: DiskSigning
    private let note: @Sendable (String) -> Void
    private let place = Mutex<FilePath?>(nil)

    /// A copy of the disk is told apart after at most twice as long, in seconds.
    private static let period = 600
    /// How long it is before what went wrong is tried again, in seconds.
    private static let pause = 30
    /// How often it is looked for the first job, in seconds.
    private static let look = 2

    /// - Parameter note: told that it cannot be signed, when that is news.
    init(_ signing: DiskSigning, note: @escaping @Sendable (String) -> Void) {
        self.signing = signing
        self.note = note
    }

    /// There is a job of Galaxy's in this directory.
    func saw(jobDirectory: FilePath) {
        place.withLock { place in if place == nil { place = jobDirectory.parent } }
    }

    /// Signs until the task is cancelled.
    func run() async {
        var hasAsked = false
        var isNews = true
        var seconds = Self.look
        repeat {
            do throws(HeadError) {
                if !hasAsked {
                    let last = try await signing.lastPlace()
                    place.withLock { place in place = last ?? place }
                    hasAsked = true
                }
                seconds = Self.look
                guard let directory = place.withLock(\.self) else { continue }
                try await signing.sign(in: directory)
                (seconds, isNews) = (Self.period, true)
            } catch {
                if Task.isCancelled { return }
                if isNews { note(error.line) }
                // Galaxy may keep its jobs elsewhere by now: the next one says where.
                if error.code == .input { place.withLock { $0 = nil } }
                (seconds, isNews) = (Self.pause, false)
            }
        } while (try? await Task.sleep(for: .seconds(seconds))) != nil
    }
}
