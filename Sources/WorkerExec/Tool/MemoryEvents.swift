// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How often the kernel has killed something of this container for want of memory.
enum MemoryEvents {
    private static let files = [
        "/sys/fs/cgroup/memory.events",  // cgroup v2
        "/sys/fs/cgroup/memory/memory.oom_control",  // cgroup v1
    ]

    /// The kernel's count of kills; nil where it keeps none that can be seen.
    static func kills() -> Int? {
        for path in files {
            let fd = open(path, O_RDONLY | O_CLOEXEC)
            guard fd >= 0 else { continue }
            defer { close(fd) }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(fd, &buffer, buffer.count)
            if count > 0, let kills = kills(in: buffer[..<count]) { return kills }
        }
        return nil
    }

    /// The number in the line `oom_kill N`.
    static func kills(in text: some Collection<UInt8>) -> Int? {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            if words.count == 2, words[0].elementsEqual("oom_kill".utf8) {
                return Int(String(decoding: words[1], as: UTF8.self))
            }
        }
        return nil
    }
}
