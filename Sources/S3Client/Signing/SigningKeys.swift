// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Synchronization

/// The keys that requests are signed with: each is good for a secret, a day, a region and a service,
/// and the last one is kept, because deriving it costs as much as four signatures.
final class SigningKeys: Sendable {
    private struct Derived {
        let secret: Redacted<String>
        let words: [String]
        let key: Redacted<[UInt8]>
    }

    private let last = Mutex<Derived?>(nil)

    /// The key for `words`: the day, the region, the service, and what closes the scope.
    func key(_ secret: Redacted<String>, _ words: [String]) -> [UInt8] {
        last.withLock { last in
            if let last, last.words == words, last.secret == secret { return last.key.reveal() }
            let key = Self.derive(secret, words)
            last = Derived(secret: secret, words: words, key: Redacted(key))
            return key
        }
    }

    /// Derives a key (Amazon S3 API reference, "Calculating a signature").
    static func derive(_ secret: Redacted<String>, _ words: [String]) -> [UInt8] {
        words.reduce(Array("AWS4".utf8) + Array(secret.reveal().utf8)) { key, word in
            HMACSHA256.code(key: key, message: Array(word.utf8))
        }
    }
}
