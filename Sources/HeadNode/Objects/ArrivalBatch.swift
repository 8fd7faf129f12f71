// SPDX-License-Identifier: Apache-2.0

import Names
import S3Client
import Staging
import Synchronization

/// Files that have arrived whole and wait to be on the disk before they get their names: many at a
/// time, because a flush for each small file would take longer than all the rest.
final class ArrivalBatch: Sendable {
    /// How many files wait at most, and how many bytes.
    private static let mostFiles = 2000
    private static let mostBytes: Int64 = 256 << 20

    private struct State {
        var arrivals: [Arrival.Complete] = []
        var bytes: Int64 = 0
    }

    private let state = Mutex(State())
    private let tally: CopyTally

    init(_ tally: CopyTally) { self.tally = tally }

    /// Takes a file that is whole and verified; places all that wait when they are many.
    func add(_ arrival: Arrival.Complete) async {
        let isFull = state.withLock { state in
            state.arrivals.append(arrival)
            state.bytes += arrival.size
            return state.arrivals.count >= Self.mostFiles || state.bytes >= Self.mostBytes
        }
        if isFull { await settle() }
    }

    /// Brings all that wait to the disk, then gives them their names.
    func settle() async {
        let arrivals = state.withLock { state in
            defer { state = State() }
            return state.arrivals
        }
        guard !arrivals.isEmpty else { return }
        // A flush blocks for as long as the disk likes.
        let flushed = await Threads.value { Self.flush(arrivals) }
        for arrival in arrivals {
            do throws(StagingError) {
                switch flushed {
                case .success: try arrival.place()
                case .failure(let error):
                    arrival.discard()
                    throw error
                }
                tally.copied(bytes: arrival.size)
            } catch {
                tally.failed(.sink(arrival.key, error))
            }
        }
    }

    /// Flushes each file system that the files are on, once.
    private static func flush(_ arrivals: [Arrival.Complete]) -> Result<Void, StagingError> {
        var flushed: Set<UInt64> = []
        var last: Directory?
        do throws(StagingError) {
            for arrival in arrivals where arrival.folder !== last {
                last = arrival.folder
                guard flushed.insert(try arrival.folder.device()).inserted else { continue }
                try arrival.folder.synchroniseFileSystem()
            }
            return .success(())
        } catch { return .failure(error) }
    }
}
