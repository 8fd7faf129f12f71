// SPDX-License-Identifier: Apache-2.0

/// The variables that nobody but us sets in a pod.
enum VariableNames {
    /// Why an administrator cannot set `name`; nil if they can.
    static func problem(_ name: String) -> BadValue? {
        let starts = ["AWS_", "GALAXY_S3_"]
        if starts.contains(where: { name.utf8.starts(with: $0.utf8) }) {
            return BadValue(
                why: "\(name) is for the worker, which does not pass it on",
                remedy: "Give credentials by kubernetes.credentials_secret or a service account."
            )
        }
        guard name == ContainerPlan.podUID else { return nil }
        return BadValue(why: "\(name) is set by galaxy-head-node", remedy: "Delete it.")
    }
}
