// SPDX-License-Identifier: Apache-2.0

import Names
import Staging
import Testing

@testable import HeadNode

/// Where nodes keep what many jobs read.
@Suite struct NodeCacheSettingsTests {
    private func resolver(_ flags: [String]) -> SettingsResolver {
        SettingsResolver(
            file: nil,
            environment: ["HOME": "/home/galaxy"],
            flags: ["s3.bucket=data"] + flags
        )
    }

    private func resolve(_ flags: String...) throws -> Settings {
        var resolver = resolver(flags)
        return try resolver.settings()
    }

    private func lines(_ flags: String...) -> [String] {
        var resolver = resolver(flags)
        do {
            _ = try resolver.settings()
            return []
        } catch {
            return error.lines
        }
    }

    @Test func nodesHaveNoCacheUnlessItIsAskedFor() throws {
        let settings = try resolve("cache.size=1Gi", "cache.inputs=true")
        #expect(settings.local.cache == nil)
        #expect(settings.kubernetes.cache == nil)
        #expect(settings.staging.caching == .nothing)
    }

    @Test func aCacheHoldsReferenceDataAndInputsOnlyIfAskedFor() throws {
        let flags = ["cache.path=/var/cache/galaxy", "local.shape=split"]
        let plain = try resolve(flags[0], flags[1])
        let path = try FilePath("/var/cache/galaxy")
        #expect(plain.local.cache == NodeCacheSettings(place: .directory(path), bytes: 50 << 30))
        #expect(plain.staging.caching == .reference)
        let more = try resolve(flags[0], flags[1], "cache.inputs=true")
        #expect(more.staging.caching == .inputs)
    }

    @Test func aToolMustNeverReachACache() {
        for executor in ["local", "kubernetes"] {
            let found = lines(
                "executor=\(executor)",
                "\(executor).shape=single",
                "kubernetes.worker_image=w@sha256:" + String(repeating: "0", count: 64),
                "cache.path=/var/cache/galaxy"
            )
            #expect(found.count == 1, "\(found)")
            #expect(found.first?.contains("could change what other jobs read") == true)
        }
    }

    @Test func aCacheIsInOnePlace() {
        let found = lines(
            "executor=kubernetes",
            "kubernetes.worker_image=w@sha256:" + String(repeating: "0", count: 64),
            "kubernetes.cache_claim=shared",
            "cache.path=/var/cache/galaxy"
        )
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.contains("cache.path says already") == true)
    }
}
