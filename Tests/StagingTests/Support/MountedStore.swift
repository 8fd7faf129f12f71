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

    /// What the store's hook has, which must not have the store: neither would ever go.
    private final class Sight: Sendable {
        let tree: TemporaryTree
        let mount: BucketMount
        let behaviour: Mutex<Behaviour>
        let putsLeft = Mutex<Int?>(nil)

        init(_ tree: TemporaryTree, _ mount: BucketMount, _ behaviour: Behaviour) {
            self.tree = tree
            self.mount = mount
            self.behaviour = Mutex(behaviour)
        }

        func count() throws(S3Error) {
            let isCut = putsLeft.withLock { left in
                guard let count = left else { return false }
                left = max(0, count - 1)
                return count == 0
            }
            if isCut { throw S3Error(.unreachable, what: "cut") }
        }

        func follow(_ key: ObjectKey, _ bytes: [UInt8]?) {
            let isMarker = key.hasPrefix("p/mount/".utf8)
            guard let path = mount.path(of: key), let bytes else { return }
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

    /// A store that is there while it calls its hook.
    private struct Known {
        weak var store: InMemoryObjectStore?
    }

    let store: InMemoryObjectStore
    var mount: BucketMount { sight.mount }
    private let sight: Sight

    init(_ behaviour: Behaviour = .shows, prefix: String = "") throws {
        let tree = try TemporaryTree()
        let mount = BucketMount(path: tree.path, prefix: try KeyPrefix(prefix))
        let sight = Sight(tree, mount, behaviour)
        let known = Late<Known>()
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard let key = call.key, let store = known.get?.store else { return }
            let isWrite = [.put, .copy, .completeMultipart].contains(call.kind)
            if call.isDone, isWrite { return sight.follow(key, store.storedBytes(key)) }
            if call.kind == .put, !call.isDone { try sight.count() }
        }
        known.set(Known(store: store))
        self.store = store
        self.sight = sight
    }

    /// Fails every put after this many; nil for none.
    func cut(afterPuts count: Int?) { sight.putsLeft.withLock { $0 = count } }

    func become(_ behaviour: Behaviour) { sight.behaviour.withLock { $0 = behaviour } }

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
}
