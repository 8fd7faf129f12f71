// SPDX-License-Identifier: Apache-2.0

import Names
import Staging

/// The section `cache`.
extension SettingsResolver {
    /// Where nodes keep what many jobs read, and what that is; nil for nowhere.
    mutating func cache(
        _ executor: Settings.ExecutorKind?,
        _ shape: PodShape?
    ) -> (settings: NodeCacheSettings, scope: CacheScope)? {
        let path = read(ConfigSchema.cachePath) ?? nil
        let claim = read(KubernetesKeys.cacheClaim) ?? nil
        let size = read(ConfigSchema.cacheSize)
        let inputs = read(ConfigSchema.cacheInputs)
        let key: ConfigKey
        let place: NodeCacheSettings.Place
        switch (path, executor == .kubernetes ? claim : nil) {
        case (nil, nil): return nil
        case (let path?, nil): (key, place) = (ConfigSchema.cachePath.key, .directory(path))
        case (nil, let claim?): (key, place) = (KubernetesKeys.cacheClaim.key, .claim(claim))
        case (.some, .some):
            report(
                KubernetesKeys.cacheClaim.key,
                "cache.path says already where the cache is",
                "Write none for one of them."
            )
            return nil
        }
        guard let size, let inputs, let executor, let shape else { return nil }
        guard shape == .split else {
            report(
                key,
                "in \(executor.rawValue).shape: single a tool could change what other jobs read",
                "Write \(executor.rawValue).shape: split, or none here."
            )
            return nil
        }
        return (NodeCacheSettings(place: place, bytes: size), inputs ? .inputs : .reference)
    }
}
