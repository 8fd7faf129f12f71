// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import S3Client
import Synchronization
import TestSupport
import Testing

@testable import Staging

/// A bucket in memory, and a directory that shows what is stored there, as a mount of it would.
final class MountedStore: Sendable {
    /// What the mount is like.
    enum Behaviour: Sendable, CaseIterable {
        case shows
        /// Nothing is mounted.
        case empty
        /// Another bucket that has the same keys, with other bytes.
        case another
        /// What was stored in the last while is not seen.
        case lags
    }

    let store: InMemoryObjectStore
    let mount: BucketMount
    private let tree: TemporaryTree
    private let behaviour: Mutex<Behaviour>
    private let putsLeft = Mutex<Int?>(nil)

    init(_ behaviour: Behaviour = .shows, prefix: String = "") throws {
        let tree = try TemporaryTree()
        let mount = BucketMount(path: tree.path, prefix: try KeyPrefix(prefix))
        let late = Late<MountedStore>()
        store = InMemoryObjectStore { call throws(S3Error) in
            guard let key = call.key, let mounted = late.get else { return }
            let isWrite = [.put, .copy, .completeMultipart].contains(call.kind)
            if call.isDone, isWrite { return mounted.follow(key) }
            if call.kind == .put, !call.isDone { try mounted.count() }
        }
        self.tree = tree
        self.mount = mount
        self.behaviour = Mutex(behaviour)
        late.set(self)
    }

    /// Fails every put after this many; nil for none.
    func cut(afterPuts count: Int?) { putsLeft.withLock { $0 = count } }

    private func count() throws(S3Error) {
        let isCut = putsLeft.withLock { left in
            guard let count = left else { return false }
            left = max(0, count - 1)
            return count == 0
        }
        if isCut { throw S3Error(.unreachable, what: "cut") }
    }

    func become(_ behaviour: Behaviour) { self.behaviour.withLock { $0 = behaviour } }

    /// The object whose bytes the mount shows at `path`, links followed.
    func seen(_ path: FilePath) throws -> [UInt8] {
        let raw = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard raw >= 0 else { throw TemporaryTree.failure("open \(path)") }
        return try Descriptor(owning: raw).readAll(limit: 1 << 20, name: path)
    }

    /// Takes one object out of sight.
    func hide(_ key: ObjectKey) throws {
        guard let path = mount.path(of: key), path.withCString({ unlink($0) }) == 0 else {
            throw TemporaryTree.failure("unlink \(key)")
        }
    }

    private func follow(_ key: ObjectKey) {
        let isMarker = key.hasPrefix("p/mount/".utf8)
        guard let path = mount.path(of: key), let bytes = store.storedBytes(key) else { return }
        do {
            switch behaviour.withLock({ $0 }) {
            case .shows: try TemporaryTree.write(bytes, to: path)
            case .another: try TemporaryTree.write(bytes.map { $0 ^ 1 }, to: path)
            case .lags where !isMarker: try TemporaryTree.write(bytes, to: path)
            case .lags, .empty: break
            }
        } catch {
            Issue.record(error, "\(key) is stored, but the mount does not show it")
        }
    }
}
