// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

/// Every pod that we make keeps to the Pod Security Standard "restricted" (control T18).
@Suite struct RestrictedProfileTests {
    private func template(_ settings: KubernetesSettings) throws -> JSONTree {
        let plan = try PlanSample.plan(PlanSample.order(walltime: 60), settings)
        return try #require(try JSONTree(bytes: plan.manifest)["spec", "template"])
    }

    @Test(arguments: ["split", "single"], ["", PlanSample.everything])
    func nothingIsForbidden(_ shape: String, _ more: String) throws {
        let template = try template(PlanSample.settings("shape: \(shape)\n\(more)"))
        #expect(RestrictedProfile.violations(template) == [])
    }

    @Test func rootMustBeAskedFor() throws {
        let template = try template(PlanSample.settings("k8s_run_as_user_id: 0"))
        let found = RestrictedProfile.violations(template)
        #expect(found.contains("runAsUser 0"))
        #expect(found.contains("runAsNonRoot false"))
        #expect(!found.contains { $0.hasPrefix("tool: ") && !$0.contains("runAsNonRoot") })
    }

    @Test func beyondTheProfile() throws {
        let pod = try #require(try template(PlanSample.settings())["spec"])
        #expect(pod["automountServiceAccountToken"] == .flag(false))
        #expect(pod["enableServiceLinks"] == .flag(false))
        #expect(pod["restartPolicy"] == .text("Never"))
        for container in (pod["initContainers"]?.list ?? []) + (pod["containers"]?.list ?? []) {
            let isRootReadOnly = container["securityContext", "readOnlyRootFilesystem"]
            #expect((isRootReadOnly == .flag(true)) == (container["name"] != .text("tool")))
        }
    }

    @Test(
        "the checker sees each thing that is forbidden",
        arguments: [
            (#""hostNetwork": true"#, "hostNetwork"), (#""hostPID": true"#, "hostPID"),
            (#""hostIPC": true"#, "hostIPC"),
            (#""volumes": [{"name": "a", "hostPath": {"path": "/"}}]"#, "volume hostPath"),
            (#""volumes": [{"name": "a", "nfs": {}}]"#, "volume nfs"),
            (#""securityContext": {"runAsUser": 0}"#, "runAsUser 0"),
            (#""securityContext": {"sysctls": [{"name": "kernel.msgmax"}]}"#, "sysctl"),
            (
                #""securityContext": {"seccompProfile": {"type": "Unconfined"}}"#,
                "seccompProfile Unconfined"
            ),
            (#""securityContext": {"seLinuxOptions": {"user": "root"}}"#, "seLinuxOptions user"),
            (#""securityContext": {"windowsOptions": {"hostProcess": true}}"#, "hostProcess"),
            (
                #""securityContext": {"appArmorProfile": {"type": "Unconfined"}}"#,
                "appArmorProfile Unconfined"
            ),
            (#""containers": [{"name": "c"}]"#, "c: allowPrivilegeEscalation"),
            (#""containers": [{"name": "c"}]"#, "c: capabilities not dropped"),
            (#""containers": [{"name": "c"}]"#, "c: runAsNonRoot"),
            (#""initContainers": [{"name": "c"}]"#, "c: seccompProfile"),
            (
                #""containers": [{"name": "c", "securityContext": {"privileged": true}}]"#,
                "c: privileged"
            ),
            (
                #""containers": [{"name": "c", "securityContext": {"runAsNonRoot": false}}]"#,
                "c: runAsNonRoot false"
            ),
            (
                #""containers": [{"name": "c", "securityContext": {"procMount": "Unmasked"}}]"#,
                "c: procMount"
            ),
            (
                #""containers": [{"name": "c", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]"#,
                "c: capability added"
            ),
            (#""containers": [{"name": "c", "ports": [{"hostPort": 80}]}]"#, "c: hostPort"),
        ]
    )
    func theCheckerItself(_ fragment: String, _ violation: String) throws {
        let tree = try JSONTree(bytes: Array(#"{"spec": {\#(fragment)}}"#.utf8))
        #expect(RestrictedProfile.violations(tree).contains(violation))
    }

    @Test func theCheckerSeesAnnotations() throws {
        let text =
            #"{"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}}, "spec": {}}"#
        #expect(RestrictedProfile.violations(try JSONTree(bytes: Array(text.utf8))).count == 1)
    }
}
