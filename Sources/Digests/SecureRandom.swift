// SPDX-License-Identifier: Apache-2.0

/// Random bytes that nobody can guess, from the kernel.
package enum SecureRandom {
    /// `count` bytes from getrandom(2), or from `/dev/urandom` where a seccomp profile refuses it.
    package static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        // A system call for each eight of them.
        while bytes.count < count {
            withUnsafeBytes(of: generator.next() as UInt64) {
                bytes += $0.prefix(count - bytes.count)
            }
        }
        return bytes
    }
}
