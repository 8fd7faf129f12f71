// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import TestSupport
import Testing

/// A store under test: every promise of `ObjectStore` holds on each of them.
enum ContractBackend: String, CaseIterable, Sendable {
    case memory, seaweed, moto

    /// All of them, or the one that needs no server where servers are switched off.
    static var available: [ContractBackend] { TestServer.isOff ? [.memory] : allCases }

    /// Whether it checks and keeps CRC64NVME. moto 5 does neither.
    var keepsChecksums: Bool { self != .moto }

    /// Whether it looks at the conditions on a copy's source. moto 5 does not.
    var checksCopySource: Bool { self != .moto }
    /// Whether completing an aborted upload gives an error of its own. moto 5 gives a 500.
    var knowsAbortedUploads: Bool { self != .moto }

    func store() async throws -> any ObjectStore {
        switch self {
        case .memory: InMemoryObjectStore()
        case .seaweed: try await TestServer.running(.seaweed).store()
        case .moto: try await TestServer.running(.moto).store()
        }
    }

    /// A store and a prefix that no other test uses.
    func fresh() async throws -> (store: any ObjectStore, prefix: String) {
        (try await store(), "contract/\(Hex.encode(SecureRandom.bytes(8)))/")
    }
}

/// Bytes that differ at every position in some way.
func patterned(_ count: Int, seed: UInt64 = 7) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        withUnsafeBytes(of: generator.next()) { bytes += $0 }
    }
    return Array(bytes.prefix(count))
}

extension ObjectStore {
    /// The object at `key`; an issue if there is none.
    func required(_ key: ObjectKey) async throws -> (bytes: [UInt8], info: ObjectInfo) {
        try #require(try await bytes(of: key, limit: 64 << 20))
    }
}

/// The code of the error that `work` throws; nil if it throws none.
func code<Result>(
    of work: () async throws(S3Error) -> Result
) async -> S3Error.Code? {
    do throws(S3Error) {
        _ = try await work()
        return nil
    } catch { return error.code }
}
