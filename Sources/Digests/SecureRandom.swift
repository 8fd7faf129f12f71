// SPDX-License-Identifier: Apache-2.0

/// Random bytes that nobody can guess, from the kernel.
package enum SecureRandom {
    /// `count` bytes from getrandom(2), or from `/dev/urandom` where a seccomp profile refuses it.
    package static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in .random(in: .min ... .max, using: &generator) }
    }
}
