// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes

/// What selects Jobs and pods by their labels, as a list or a watch takes it.
enum JobSelector {
    /// All that this Galaxy has made, whichever head did.
    static func all(of instance: InstanceName) -> LabelSelector {
        LabelSelector([
            "app.kubernetes.io/managed-by": JobLabels.manager,
            JobLabels.instanceKey: instance.description,
        ])
    }

    /// The pods of a Job. Servers before 1.27 know no other label, and later ones keep this one.
    static func pods(of job: JobName) -> LabelSelector {
        LabelSelector(["job-name": job.description])
    }
}
