// SPDX-License-Identifier: Apache-2.0

/// A key that is not in the table, and what was probably meant.
struct UnknownKey {
    let path: String

    init(_ path: String) { self.path = path }

    /// What is wrong and what to do.
    var explanation: (what: String, remedy: String) {
        let what = "unknown key \(ConfigValues.shown(path))"
        if isSecret {
            return (
                "\(what): secrets do not belong into this file",
                "Delete it, and give the keys by environment, profile or role (docs/configuration.md)."
            )
        }
        if let name = formerName {
            return ("\(what), which is \(name) now", "Write \(name).")
        }
        if let meant = suggestion {
            return ("\(what); did you mean \(meant)?", "Write \(meant), or delete the line.")
        }
        return (what, "Delete it; docs/configuration.md lists all keys.")
    }

    /// The path that was probably meant.
    var suggestion: String? {
        let paths = ConfigSchema.keys.map(\.path)
        // The right name in the wrong section beats a near name.
        if let last = lastName {
            if let exact = paths.first(where: { $0.hasBytes(after: ".", last) || $0 == last }) {
                return exact
            }
        }
        return EditDistance.nearest(to: path, in: paths + sections) ?? nearLastName
    }

    /// Names that Galaxy's runner had in older releases and in forks.
    private static let former = [
        "k8s_pod_retrials": "k8s_pod_retries", "max_pod_retrials": "max_pod_retries",
        "k8s_default_requests_cpu": "requests_cpu",
        "k8s_default_requests_memory": "requests_memory",
        "k8s_default_limits_cpu": "limits_cpu", "k8s_default_limits_memory": "limits_memory",
        "k8s_persistent_volume_claim_name": "k8s_persistent_volume_claims",
        "k8s_persistent_volume_claim_mount_path": "k8s_persistent_volume_claims",
    ]

    /// What is called so by older releases is called this now.
    var nameNow: String? { lastName.flatMap { Self.former[$0] } }

    private var formerName: String? { nameNow.map { "kubernetes.\($0)" } }

    private var sections: [String] {
        ConfigSchema.names(below: nil).filter(ConfigSchema.isSection)
    }

    private var nearLastName: String? {
        guard let last = lastName else { return nil }
        let names = ConfigSchema.keys.map { $0.components.last ?? $0.path }
        guard let near = EditDistance.nearest(to: last, in: names) else { return nil }
        return ConfigSchema.keys.first { $0.components.last == near }?.path
    }

    private var lastName: String? {
        path.utf8.split(separator: UInt8(ascii: ".")).last
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private var isSecret: Bool {
        let name = path.utf8.map(\.asciiLowercase)
        return ["secret", "access_key", "password", "token"]
            .contains { word in
                name.indices.contains { name[$0...].starts(with: word.utf8) }
            }
    }
}

extension String {
    fileprivate func hasBytes(after separator: String, _ name: String) -> Bool {
        Array(utf8.suffix(name.utf8.count + separator.utf8.count)) == Array((separator + name).utf8)
    }
}
