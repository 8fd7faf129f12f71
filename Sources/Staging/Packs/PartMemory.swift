// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Transport

/// Memory for what has been read and is not sent yet, or has come and is not written yet, of which a process
/// takes so much and no more.
///
/// What one part has left the next one takes, until nobody has any: new memory costs a page fault for each
/// 4 KiB of it.
final class PartMemory: Sendable {
    /// Of parts to send: four of the smallest size that S3 takes, two are read, one is summed, one sent.
    static let ofThisProcess = PartMemory(bytes: 4 * PackStream.partBytes)

    private struct State: Sendable {
        var free: Int64
        /// What is had of the system.
        var held: Int64 = 0
        var rooms = 0
        /// Memory that nobody has, until nobody has any.
        var spare: [Memory] = []
    }

    // Unchecked because of the pointer: of a room's, one writes, and when that is done any may read.
    private struct Memory: @unchecked Sendable {
        let bytes: UnsafeMutableRawBufferPointer
    }

    private let state: Mutex<State>

    init(bytes: Int64) { state = Mutex(State(free: bytes)) }

    /// What is free, in bytes.
    var free: Int64 { state.withLock { $0.free } }

    /// How much memory there is, in use or spare, in bytes.
    var held: Int64 { state.withLock { $0.held } }

    /// Room for `bytes` bytes, until it is let go of; nil where there is none.
    func room(for bytes: Int64) -> Room? {
        let isThere = state.withLock { state in
            guard bytes <= state.free else { return false }
            state.free -= bytes
            state.rooms += 1
            return true
        }
        return isThere ? Room(self, bytes) : nil
    }

    /// Memory for a room: what another of its size has left, or new. Of other sizes nothing is kept: what
    /// is had is what rooms say.
    private func memory(of count: Int) -> Memory {
        let (found, others) = state.withLock { state -> (Memory?, [Memory]) in
            if let index = state.spare.lastIndex(where: { $0.bytes.count == count }) {
                return (state.spare.remove(at: index), [])
            }
            defer { state.spare = [] }
            state.held += Int64(count) - state.spare.reduce(0) { $0 + Int64($1.bytes.count) }
            return (nil, state.spare)
        }
        for memory in others { memory.bytes.deallocate() }
        return found ?? Memory(bytes: .allocate(byteCount: count, alignment: 64))
    }

    private func giveBack(_ bytes: Int64, _ memory: Memory?) {
        let unused = state.withLock { state -> [Memory] in
            state.free += bytes
            state.rooms -= 1
            if let memory { state.spare.append(memory) }
            guard state.rooms == 0 else { return [] }
            defer { state.spare = [] }
            state.held -= state.spare.reduce(0) { $0 + Int64($1.bytes.count) }
            return state.spare
        }
        for memory in unused { memory.bytes.deallocate() }
    }

    /// Memory that is taken as long as this lives.
    final class Room: Sendable {
        private let owner: PartMemory
        private let count: Int64
        private let memory = Mutex<Memory?>(nil)

        fileprivate init(_ owner: PartMemory, _ count: Int64) {
            self.owner = owner
            self.count = count
        }

        deinit { owner.giveBack(count, memory.withLock { $0 }) }

        /// The memory itself, what is in it is not defined at first. It is there as long as this is; one
        /// thread at a time may write to it, and none while others read.
        var bytes: UnsafeMutableRawBufferPointer {
            memory.withLock { memory in
                let found = memory ?? owner.memory(of: Int(count))
                memory = found
                return found.bytes
            }
        }

        /// What has been written to it, as a body that holds it.
        var body: HTTPBody { HTTPBody(length: count) { RoomReader(self) } }
    }
}

/// Reads what is in a room.
private final class RoomReader: HTTPBodyReader {
    private let room: PartMemory.Room
    private var rest: UnsafeRawBufferPointer

    init(_ room: PartMemory.Room) {
        self.room = room
        // SAFETY: it is used as long as `room` is here, and no longer.
        rest = UnsafeRawBufferPointer(room.bytes)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(buffer.count))
        buffer.copyMemory(from: piece)
        rest = UnsafeRawBufferPointer(rebasing: rest[piece.count...])
        return piece.count
    }
}
