// SPDX-License-Identifier: Apache-2.0

/// What to do when this user may not make namespaces. Pure.
struct NamespaceAdvice: Equatable {
    /// What the kernel says, each as its file below /proc/sys has it; nil where there is none.
    var usernsClone: String?
    var apparmorRestriction: String?
    var mostNamespaces: String?
    /// Whether this seems to be a container already.
    var isContainer: Bool

    var remedy: String {
        if usernsClone == "0" {
            return "Set the sysctl kernel.unprivileged_userns_clone to 1."
        }
        if mostNamespaces == "0" { return "Set the sysctl user.max_user_namespaces to 15000." }
        if apparmorRestriction == "1" {
            return "Give bwrap an AppArmor profile with `userns,`, or set the sysctl "
                + "kernel.apparmor_restrict_unprivileged_userns to 0."
        }
        if isContainer {
            return "Start this container with --security-opt seccomp=unconfined --security-opt "
                + "apparmor=unconfined --security-opt systempaths=unconfined."
        }
        return "Let `bwrap --unshare-all --ro-bind / / true` work for this user: user namespaces "
            + "are switched off, or a security module forbids them."
    }

    /// What this machine says.
    static func here() -> NamespaceAdvice {
        func setting(_ path: String) -> String? {
            guard let bytes = try? SmallFile.read(bytes: Array(path.utf8), limit: 4096)
            else { return nil }
            let digits = bytes.prefix { $0 != UInt8(ascii: "\n") }
            return String(decoding: digits, as: UTF8.self)
        }
        let markers = ["/.dockerenv", "/run/.containerenv"]
        return NamespaceAdvice(
            usernsClone: setting("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmorRestriction: setting(
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
            ),
            mostNamespaces: setting("/proc/sys/user/max_user_namespaces"),
            isContainer: markers.contains { setting($0) != nil }
        )
    }
}
