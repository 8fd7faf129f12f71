// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A name that is its bytes and nothing more. A job has thousands of them, in sets and dictionaries: they
/// are compared and hashed as memory, where the standard library would take one byte after the other.
protocol ByteNamed: Hashable {
    var bytes: [UInt8] { get }
}

extension ByteNamed {
    package static func == (a: Self, b: Self) -> Bool {
        guard a.bytes.count == b.bytes.count else { return false }
        return a.bytes.withUnsafeBytes { a in
            b.bytes.withUnsafeBytes { b in
                guard let first = a.baseAddress, let second = b.baseAddress else { return true }
                return memcmp(first, second, a.count) == 0
            }
        }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytes.count)
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
