// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// A file system of a lab's own, where the local executor has its tries, that can be filled to the
/// last byte.
struct SmallDisk {
    private let place: String

    /// Whether this machine can mount one.
    static var isPossible: Bool { geteuid() == 0 }

    /// - Parameter size: as mount(8) takes it.
    init(
        _ lab: Lab,
        size: String
    ) throws {
        place = "\(lab.folder)/state"
        try Shell.run("mount -t tmpfs -o size=\(size),mode=755 none \(place)")
    }

    func fill() throws {
        try Shell.run("head -c 1T /dev/zero 2> /dev/null > \(place)/filler || true")
    }

    func empty() throws { try Shell.run("rm -f \(place)/filler") }

    func unmount() { _ = try? Shell.run("umount -l \(place) || true") }
}
