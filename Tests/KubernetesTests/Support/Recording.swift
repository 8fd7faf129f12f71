// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// What real API servers sent (real kubelet, containerd), `managedFields` removed.
enum Recording {
    static let versions = ["1.20.2", "1.36.2"]

    private static let folder: String = {
        let parts = #filePath.split(separator: "/").dropLast(2)
        return "/" + parts.joined(separator: "/") + "/Recordings/"
    }()

    static func bytes(_ version: String, _ name: String) throws -> [UInt8] {
        try ChildProcess.contents(of: folder + version + "/" + name)
    }

    static func lines(_ version: String, _ name: String) throws -> [[UInt8]] {
        try bytes(version, name).split(separator: UInt8(ascii: "\n")).map { Array($0) }
    }
}
