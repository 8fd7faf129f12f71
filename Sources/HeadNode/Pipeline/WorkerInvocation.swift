// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names

/// The worker's command lines for one try: the same whatever runs it. A pure value.
struct WorkerInvocation: Sendable {
    enum Verb: String, Sendable {
        case run
        case fetch
        case tool
        case push
    }

    /// Where the worker is inside the container.
    let program: FilePath
    /// The folder where the verbs hand over, inside the container.
    let state: FilePath
    /// Who makes the attempt.
    let pod: String
    /// The whole volume, where `fetch` and `push` see it so: root `n` is `r<n>` there. nil where
    /// they see each root at its own path.
    let volume: FilePath?
    /// Where `fetch` sees the node's cache, and what that may keep, in bytes.
    let cache: (path: FilePath, bytes: Int64)?
    private let storage: [UInt8]
    private let specKey: ObjectKey
    private let specSHA256: SHA256Digest

    init(
        _ order: TryOrder,
        program: FilePath,
        state: FilePath,
        pod: String,
        volume: FilePath? = nil,
        cache: (path: FilePath, bytes: Int64)? = nil
    ) throws(HeadError) {
        self.program = program
        self.state = state
        self.pod = pod
        self.volume = volume
        self.cache = cache
        specKey = order.specKey
        specSHA256 = order.specSHA256
        do throws(ContractError) {
            storage = try ContractCoding.encode(order.storage)
        } catch {
            throw HeadError(.machine, what: error.what)
        }
    }

    /// Program and arguments; `tool` is told of no bucket.
    func command(_ verb: Verb) -> [ByteString] {
        var words = [
            ByteString(program.bytes), ByteString(verb.rawValue),
            ByteString("--state"), ByteString(state.bytes),
        ]
        if verb == .tool { return words }
        words += [
            ByteString("--storage"), ByteString(storage),
            ByteString("--spec"), ByteString(specKey.bytes),
            ByteString("--spec-sha256"), ByteString(specSHA256.hex),
            ByteString("--pod"), ByteString(pod),
        ]
        if let volume, verb != .run { words += [ByteString("--volume"), ByteString(volume.bytes)] }
        if let cache, verb == .fetch {
            words += [
                ByteString("--cache"), ByteString(cache.path.bytes),
                ByteString("--cache-size"), ByteString("\(cache.bytes)"),
            ]
        }
        return words
    }

    /// Program and arguments that only make the folders of a volume, and put the program there.
    func install(
        into volume: ByteString,
        roots: Int
    ) -> [ByteString] {
        [
            ByteString(program.bytes), ByteString("install"),
            ByteString("--volume"), volume,
            ByteString("--roots"), ByteString("\(roots)"),
        ]
    }
}
