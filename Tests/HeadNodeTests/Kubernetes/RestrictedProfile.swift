// SPDX-License-Identifier: Apache-2.0

/// The Pod Security Standard "restricted" of Kubernetes 1.25 and later, with "baseline" below it,
/// rule by rule.
enum RestrictedProfile {
    private static let volumes: Set = [
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
        "projected", "secret",
    ]
    private static let types: Set = ["RuntimeDefault", "Localhost"]
    private static let seLinux: Set = [
        "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t",
    ]
    private static let sysctls: Set = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
    ]

    /// What the profile forbids of a pod's template; empty if nothing.
    static func violations(_ template: JSONTree) -> [String] {
        guard let spec = template["spec"] else { return ["there is no pod"] }
        let containers =
            (spec["initContainers"]?.list ?? []) + (spec["containers"]?.list ?? [])
            + (spec["ephemeralContainers"]?.list ?? [])
        return pod(spec) + annotations(template)
            + containers.flatMap { container in
                self.container(container, in: spec)
                    .map { "\(container["name"]?.text ?? "?"): \($0)" }
            }
    }

    private static func pod(_ spec: JSONTree) -> [String] {
        var found: [String] = []
        for name in ["hostNetwork", "hostPID", "hostIPC"] where spec[name] == .flag(true) {
            found.append(name)
        }
        for volume in spec["volumes"]?.list ?? [] {
            guard case .fields(let fields) = volume else { continue }
            for name in fields.keys.sorted() where name != "name" && !volumes.contains(name) {
                found.append("volume \(name)")
            }
        }
        for sysctl in spec["securityContext", "sysctls"]?.list ?? []
        where !sysctls.contains(sysctl["name"]?.text ?? "") {
            found.append("sysctl")
        }
        return found + shared(spec["securityContext"])
    }

    /// What holds wherever a securityContext stands.
    private static func shared(_ context: JSONTree?) -> [String] {
        var found: [String] = []
        if context?["runAsUser"] == .number(0) { found.append("runAsUser 0") }
        if context?["runAsNonRoot"] == .flag(false) { found.append("runAsNonRoot false") }
        if let type = context?["seccompProfile", "type"]?.text, !types.contains(type) {
            found.append("seccompProfile \(type)")
        }
        if let type = context?["seLinuxOptions", "type"]?.text, !seLinux.contains(type) {
            found.append("seLinuxOptions type")
        }
        for name in ["user", "role"] where context?["seLinuxOptions", name] != nil {
            found.append("seLinuxOptions \(name)")
        }
        if context?["windowsOptions", "hostProcess"] == .flag(true) { found.append("hostProcess") }
        if let type = context?["appArmorProfile", "type"]?.text, !types.contains(type) {
            found.append("appArmorProfile \(type)")
        }
        return found
    }

    private static func container(_ container: JSONTree, in spec: JSONTree) -> [String] {
        let own = container["securityContext"]
        var found = shared(own)
        if own?["privileged"] == .flag(true) { found.append("privileged") }
        if own?["allowPrivilegeEscalation"] != .flag(false) {
            found.append("allowPrivilegeEscalation")
        }
        if own?["capabilities", "drop"]?.list.contains(.text("ALL")) != true {
            found.append("capabilities not dropped")
        }
        for added in own?["capabilities", "add"]?.list ?? []
        where added != .text("NET_BIND_SERVICE") {
            found.append("capability added")
        }
        if let mount = own?["procMount"], mount != .text("Default") { found.append("procMount") }
        for port in container["ports"]?.list ?? [] {
            if let number = port["hostPort"], number != .number(0) { found.append("hostPort") }
        }
        let nonRoot = own?["runAsNonRoot"] ?? spec["securityContext", "runAsNonRoot"]
        if nonRoot != .flag(true) { found.append("runAsNonRoot") }
        let seccomp =
            own?["seccompProfile", "type"] ?? spec["securityContext", "seccompProfile", "type"]
        if !types.contains(seccomp?.text ?? "") { found.append("seccompProfile") }
        return found
    }

    private static func annotations(_ template: JSONTree) -> [String] {
        guard case .fields(let notes) = template["metadata", "annotations"] else { return [] }
        return notes.keys.filter {
            $0.contains("apparmor.security") || $0.contains("seccomp.security")
        }
    }
}
