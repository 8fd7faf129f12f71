// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import S3Client
import Synchronization
import TestSupport
import Transport

@testable import Staging

/// A bucket in memory, a node with a cache, and pods on it that fetch: each has roots of its own and
/// opens the cache for itself, as a process of its own would.
final class CacheLab: Sendable {
    let tree: TemporaryTree
    let store: InMemoryObjectStore
    /// What the node has for caches.
    let place: FilePath
    let capacity: Int64
    private let said = Mutex<[String]>([])

    init(
        capacity: Int64 = 1 << 30,
        fault: @escaping InMemoryObjectStore.FaultHook = { _ in }
    ) throws {
        tree = try TemporaryTree()
        place = try tree.directory("node")
        store = InMemoryObjectStore(fault: fault)
        self.capacity = capacity
    }

    /// What workers have complained about.
    var complaints: [String] { said.withLock { $0 } }

    /// Puts an object there, and says what a spec does of it; its path is the pod's.
    func input(_ key: String, _ bytes: [UInt8], isShared: Bool? = true) async throws -> InputEntry {
        let key = try ObjectKey(key)
        let digest = CRC64NVME(of: bytes)
        let options = PutOptions()
        _ = try await store.put(key, body: .bytes(bytes), checksum: digest, options: options)
        return InputEntry(
            path: try FilePath("/" + String(decoding: key.bytes, as: UTF8.self)),
            key: key,
            size: Int64(bytes.count),
            digest: digest,
            mode: FileMode(0o640),
            modified: FileTime(seconds: 1_500_000_000),
            isShared: isShared
        )
    }

    /// Puts a pack of these files there.
    func pack(_ files: [SurveyedFile]) async throws -> PackEntry {
        let source = PackSource(try PackPlan(files, times: .fixed))
        let digest = try await source.digests().pack
        let key = try ObjectKey("packs/\(digest)")
        let upload = VerifiedUpload(store: store, meter: PhaseMeter("stage"))
        _ = try await upload(source, to: key, name: "a pack")
        return PackEntry(
            key: key,
            size: source.length,
            digest: .sha256(digest),
            files: files.count,
            isShared: true
        )
    }

    /// The cache as a process of its own opens it.
    func cache() throws -> NodeCache { try NodeCache(path: place, capacity: capacity) }

    /// Where pod `number` has this input.
    func path(_ input: InputEntry, pod number: Int) throws -> FilePath {
        try root(number).appending(RelativePath(Array(input.path.bytes.dropFirst())))
    }

    func root(_ number: Int) throws -> FilePath { try tree.at("pod\(number)") }

    /// Fetches all that in a pod.
    @discardableResult
    func fetch(
        pod number: Int,
        _ inputs: [InputEntry],
        packs: [PackEntry] = [],
        from other: (any ObjectStore)? = nil,
        quiet: Double = CachePatience.quiet
    ) async throws -> PhaseMeter.Reading {
        let root = try tree.directory("pod\(number)")
        let own = try inputs.map { input in
            var input = input
            input.path = try path(input, pod: number)
            return input
        }
        let meter = PhaseMeter("fetch")
        let cached = CachedFetch(try cache(), quiet: quiet) { [self] word in
            said.withLock { $0.append(word) }
        }
        try await FetchRun(
            store: other ?? store,
            spec: try spec(root, own, packs),
            roots: RootSet([root]),
            meter: meter,
            cache: cached
        )()
        return meter.reading
    }

    private func spec(
        _ root: FilePath,
        _ inputs: [InputEntry],
        _ packs: [PackEntry]
    ) throws -> RunSpec {
        RunSpec(
            run: try RunID("1-0123456789abcdef"),
            layout: JobLayout(prefix: try KeyPrefix("p"), instance: try InstanceName("main")),
            command: [],
            workingDirectory: root,
            environment: [:],
            roots: [root],
            directories: [],
            links: [],
            packs: packs,
            inputs: inputs,
            outputs: [],
            job: JobFiles(
                directory: root,
                exitCode: root,
                toolStdout: root,
                toolStderr: root,
                jobStdout: root,
                jobStderr: root
            ),
            push: PushRules(onFailure: .all, leaveBehind: [], packBelow: 0),
            limits: Limits()
        )
    }

    /// How often the bytes at `key` were asked for.
    func gets(_ key: ObjectKey) -> Int {
        store.calls.filter { $0.kind == .get && $0.key == key }.count
    }

    /// Puts other bytes in place of a file of the cache.
    func replace(_ name: String, by bytes: [UInt8]) throws {
        let place = try folder.appending(name)
        guard place.withCString({ unlink($0) }) == 0 else { throw TemporaryTree.failure("unlink") }
        try TemporaryTree.write(bytes, to: place)
    }

    /// The private folder of the cache, and the names in it without the lock.
    var folder: FilePath { get throws { try place.appending("galaxy-s3-\(geteuid())") } }

    func names() throws -> [String] {
        try Directory(path: folder).names().map { String(decoding: $0, as: UTF8.self) }
            .filter { $0 != "lock" }
    }
}
