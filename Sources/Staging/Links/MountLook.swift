// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import S3Client
import Synchronization
import Transport

/// Finds out whether a mount shows the bucket as it is now.
///
/// A file system in user space may answer late, never, or from memory; what it shows may be another
/// bucket, or nothing at all. So every look has a thread of its own and a time limit, and a mount is
/// trusted only while it shows what was stored a moment ago.
package struct MountLook: Sendable {
    package let mount: BucketMount
    let store: any ObjectStore
    let layout: JobLayout
    /// How long the mount may take to answer.
    let patience: Duration

    /// Looks whose answer has not come. A mount that hangs must not cost a thread each time.
    private static let unanswered = Mutex(0)
    private static let mostUnanswered = 16

    package init(
        _ mount: BucketMount,
        store: any ObjectStore,
        layout: JobLayout,
        patience: Duration = .seconds(30)
    ) {
        self.mount = mount
        self.store = store
        self.layout = layout
        self.patience = patience
    }

    /// What is wrong with the mount, in words that end a sentence; nil if it shows a marker with random
    /// content that was stored just now.
    ///
    /// - Throws: when the store itself does not work.
    package func trouble() async throws(StagingError) -> String? {
        let marker = layout.marker(nonce: Nonce.draw())
        let content = SecureRandom.bytes(64)
        do throws(S3Error) {
            _ = try await store.put(
                marker,
                body: .bytes(content),
                checksum: CRC64NVME(of: content),
                options: PutOptions(metadata: ["mode": String(0o100644)])
            )
        } catch {
            throw .store("store a marker to look for in the mounted bucket", error)
        }
        let found = await look(at: marker) { try $0.readAll(limit: content.count, name: $1) }
        // A marker that cannot be removed now is left to `gc`.
        try? await store.delete(marker)
        switch found {
        case .success(content): return nil
        case .success: return "\(mount.path) shows something else than the bucket has"
        case .failure(let trouble): return trouble.text
        }
    }

    /// What is wrong with how the mount shows an object; nil if a file of this size can be read there.
    func trouble(with key: ObjectKey, size: Int64) async -> String? {
        let found = await look(at: key) { descriptor, _ in try descriptor.status() }
        switch found {
        case .success(let status) where status.kind == .file && status.stamp.size == size:
            return nil
        case .success(let status):
            return "\(mount.path) shows \(key.logSafe) with \(status.stamp.size) bytes of \(size)"
        case .failure(let trouble): return trouble.text
        }
    }

    private struct Trouble: Error {
        let text: String
    }

    private func look<Value: Sendable>(
        at key: ObjectKey,
        _ body: @escaping @Sendable (Descriptor, FilePath) throws -> Value
    ) async -> Result<Value, Trouble> {
        guard let path = mount.path(of: key) else {
            return .failure(Trouble(text: "\(mount.path) does not show \(key.logSafe)"))
        }
        guard await mayLook() else { return .failure(late) }
        let answer = await Threads.value(within: patience) { () -> Result<Value, Trouble> in
            defer { Self.unanswered.withLock { $0 -= 1 } }
            let fd = path.withCString { Glibc.open($0, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
            guard fd >= 0 else {
                let reason = String(cString: strerror(errno))
                return .failure(Trouble(text: "\(path) cannot be read: \(reason)"))
            }
            let descriptor = Descriptor(owning: fd)
            do {
                return .success(try body(descriptor, path))
            } catch {
                return .failure(Trouble(text: "\(path) cannot be read: \(error)"))
            }
        }
        return answer ?? .failure(late)
    }

    /// Takes a place among the looks, if one is free or becomes so in time.
    private func mayLook() async -> Bool {
        let end = ContinuousClock.now + patience
        func take() -> Bool {
            Self.unanswered.withLock { count in
                guard count < Self.mostUnanswered else { return false }
                count += 1
                return true
            }
        }
        while !take() {
            guard ContinuousClock.now < end else { return false }
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return false }
        }
        return true
    }

    private var late: Trouble { Trouble(text: "\(mount.path) does not answer") }
}
