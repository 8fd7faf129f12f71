// SPDX-License-Identifier: Apache-2.0

/// The API server's version.
package struct ServerVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let major: Int
    package let minor: Int
    /// All of it, such as `v1.20.2+k3s1`; for people.
    package let gitVersion: String

    package init(_ major: Int, _ minor: Int, gitVersion: String = "") {
        self.major = major
        self.minor = minor
        self.gitVersion = gitVersion
    }

    package static func < (a: ServerVersion, b: ServerVersion) -> Bool {
        (a.major, a.minor) < (b.major, b.minor)
    }

    package static func == (a: ServerVersion, b: ServerVersion) -> Bool {
        (a.major, a.minor) == (b.major, b.minor)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(major)
        hasher.combine(minor)
    }

    package var description: String { gitVersion.isEmpty ? "v\(major).\(minor)" : gitVersion }
}
