// SPDX-License-Identifier: Apache-2.0

import Names
import Synchronization

/// What the collects of this process were promised of the disks that they fill.
///
/// Bytes that are free are free for each of them, so whoever begins counts what the others have still
/// to bring. It is noted itself before it looks: of two that begin at once, one knows of the other.
package final class PromisedRoom: Sendable {
    /// Of all runs: a disk is nobody's own.
    package static let ofThisProcess = PromisedRoom()

    private let promises = Mutex<[ObjectIdentifier: RoomPromise]>([:])

    package init() {}

    /// Notes what a collect is going to bring, until it is removed.
    ///
    /// - Returns: what others have been promised before.
    func add(_ promise: RoomPromise) -> [RoomPromise] {
        promises.withLock { promises in
            let others = Array(promises.values)
            promises[ObjectIdentifier(promise)] = promise
            return others
        }
    }

    func remove(_ promise: RoomPromise) {
        promises.withLock { $0[ObjectIdentifier(promise)] = nil }
    }
}

/// What one collect was promised. What has come of a file, the disk itself counts.
final class RoomPromise: Sendable {
    private struct State {
        /// What is not there whole, by device.
        var bytes: [UInt64: Int64]
        var underWay: [FilePath: Descriptor] = [:]
        /// What each file that is there whole was counted for.
        var whole: [FilePath: Int64] = [:]
    }

    /// Of the directories that files come to: a file may say another (overlayfs).
    private let devices: [FilePath: UInt64]
    private let state: Mutex<State>

    init(
        _ demand: SpaceDemand,
        devices: [FilePath: UInt64]
    ) {
        self.devices = devices
        state = Mutex(State(bytes: demand.shares.mapValues(\.bytes)))
    }

    func begin(_ place: FilePath, _ descriptor: Descriptor) {
        state.withLock { $0.underWay[place] = descriptor }
    }

    func complete(_ place: FilePath, size: Int64) {
        guard let device = device(of: place) else { return }
        let size = SpaceDemand.rounded(size)
        state.withLock { state in
            state.underWay[place] = nil
            guard state.whole.updateValue(size, forKey: place) == nil else { return }
            state.bytes[device, default: 0] -= size
        }
    }

    /// What has come to `place` is removed, and comes once more.
    func discard(_ place: FilePath) {
        guard let device = device(of: place) else { return }
        state.withLock { state in
            state.underWay[place] = nil
            state.bytes[device, default: 0] += state.whole.removeValue(forKey: place) ?? 0
        }
    }

    private func device(of place: FilePath) -> UInt64? { place.parent.flatMap { devices[$0] } }

    /// How many bytes it has still to take of `device`. Looks at files that are under way.
    func remaining(on device: UInt64) -> Int64 {
        let (bytes, files) = state.withLock { state in
            let here = state.underWay.filter { place, _ in self.device(of: place) == device }
            return (state.bytes[device] ?? 0, Array(here.values))
        }
        return max(0, files.reduce(bytes) { $0 - $1.allocatedBytes })
    }
}
