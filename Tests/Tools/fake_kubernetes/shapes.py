# SPDX-License-Identifier: Apache-2.0
"""What servers of 1.20 and of 1.36 make of Jobs and Pods, as recorded from real ones."""

from objects import now

VERSIONS = {
    "1.20": {"major": "1", "minor": "20", "gitVersion": "v1.20.2"},
    "1.36": {"major": "1", "minor": "36", "gitVersion": "v1.36.2"},
}
# Fields that a server of 1.20 does not know, and drops without a word.
NOT_IN_1_20 = ("podFailurePolicy", "podReplacementPolicy", "completionMode", "suspend")
NODE = "127.0.0.1"
IMAGE_ID = "sha256:" + "4" * 64


class Shapes:
    """One version's."""

    def __init__(self, version):
        self.version = version
        self.is_new = version != "1.20"

    # Jobs

    def job(self, given, uid):
        """A Job as the server keeps it: the client's, with defaults."""
        name = given["metadata"]["name"]
        labels = {"controller-uid": uid, "job-name": name}
        spec = {"parallelism": 1, "completions": 1, "backoffLimit": 6, **given["spec"]}
        if self.is_new:
            labels |= {f"batch.kubernetes.io/{name}": value for name, value in labels.items()}
            spec = {"completionMode": "NonIndexed", "suspend": False, **spec}
            spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
        else:
            spec = {name: value for name, value in spec.items() if name not in NOT_IN_1_20}
        selector = "batch.kubernetes.io/controller-uid" if self.is_new else "controller-uid"
        spec["selector"] = {"matchLabels": {selector: uid}}
        template = spec["template"]
        metadata = dict(template.get("metadata") or {})
        metadata["labels"] = {**metadata.get("labels", {}), **labels}
        spec["template"] = {"metadata": metadata, "spec": self.pod_spec(template["spec"])}
        job = {"metadata": {**given["metadata"], "uid": uid}, "spec": spec, "status": {}}
        if self.is_new:
            job["metadata"]["generation"] = 1
        return job

    @staticmethod
    def pod_spec(given):
        spec = {
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "securityContext": {},
            "schedulerName": "default-scheduler",
            **given,
        }
        for container in spec.get("initContainers", []) + spec["containers"]:
            container.setdefault("resources", {})
            container.setdefault("terminationMessagePath", "/dev/termination-log")
            container.setdefault("terminationMessagePolicy", "File")
            container.setdefault("imagePullPolicy", "IfNotPresent")
        return spec

    def active(self, start):
        status = {"startTime": start, "active": 1}
        return status | self.counts(0) if self.is_new else status

    @staticmethod
    def counts(ready):
        return {"terminating": 0, "uncountedTerminatedPods": {}, "ready": ready}

    def complete(self, start):
        conditions = [condition("Complete", "True", probed=True)]
        status = {"startTime": start, "completionTime": now(), "succeeded": 1}
        if self.is_new:
            why = {
                "reason": "CompletionsReached",
                "message": "Reached expected number of succeeded pods",
            }
            kinds = ("SuccessCriteriaMet", "Complete")
            conditions = [condition(kind, "True", probed=True, **why) for kind in kinds]
            status |= self.counts(0)
        return {"conditions": conditions, **status}

    def failed(self, start, reason, message):
        kinds = ("FailureTarget", "Failed") if self.is_new else ("Failed",)
        why = {"reason": reason, "message": message}
        conditions = [condition(kind, "True", probed=True, **why) for kind in kinds]
        status = {"conditions": conditions, "startTime": start, "failed": 1}
        return status | self.counts(0) if self.is_new else status

    @staticmethod
    def failing(failed):
        """What a server from 1.31 on says until the last pod of a Job that has failed has ended."""
        conditions = [c for c in failed["conditions"] if c["type"] == "FailureTarget"]
        return {**failed, "conditions": conditions, "terminating": 1}

    # Pods

    def pod(self, job, name):
        """The pod that a Job's controller makes."""
        template = job["spec"]["template"]
        metadata = job["metadata"]
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        pod = {
            "metadata": {
                "name": name,
                "generateName": metadata["name"] + "-",
                "namespace": metadata["namespace"],
                **template["metadata"],
                "ownerReferences": [owner],
            },
            "spec": {"serviceAccountName": "default", "priority": 0, **template["spec"]},
            "status": {"phase": "Pending", "qosClass": "BestEffort"},
        }
        if self.is_new:
            pod["metadata"]["finalizers"] = ["batch.kubernetes.io/job-tracking"]
        return pod

    def scheduled(self):
        return {
            "phase": "Pending",
            "conditions": [condition("PodScheduled", "True")],
            "qosClass": "BestEffort",
        }

    def unschedulable(self):
        why = {"reason": "Unschedulable", "message": "0/1 nodes are available."}
        return {
            "phase": "Pending",
            "conditions": [condition("PodScheduled", "False", **why)],
            "qosClass": "BestEffort",
        }

    def status(self, pod, phase, states, start):
        """A pod's status once a node has it.

        `states` says of each container what it does now: None waits, a text is when it began, and
        (begin, end, exit code, reason) is how it ended.
        """
        inits = [c["name"] for c in pod["spec"].get("initContainers", [])]
        mains = [c["name"] for c in pod["spec"]["containers"]]
        is_initialized = all(isinstance(states.get(name), tuple) for name in inits)
        waits = "ContainerCreating" if is_initialized else "PodInitializing"
        is_ready = all(isinstance(states.get(name), str) for name in mains)
        ready = {}
        if phase in ("Succeeded", "Failed"):
            ready = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
        elif not is_ready:
            missing = " ".join(name for name in mains if not isinstance(states.get(name), str))
            ready = {
                "reason": "ContainersNotReady",
                "message": f"containers with unready status: [{missing}]",
            }
        conditions = [
            condition("Initialized", str(is_initialized)),
            condition("Ready", str(is_ready), **ready),
            condition("ContainersReady", str(is_ready), **ready),
            condition("PodScheduled", "True"),
        ]
        if self.is_new:
            has_sandbox = str(phase in ("Pending", "Running"))
            conditions.insert(0, condition("PodReadyToStartContainers", has_sandbox))
        specs = {c["name"]: c for c in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]}
        status = {
            "phase": phase,
            "conditions": conditions,
            "hostIP": NODE,
            "startTime": start,
            "containerStatuses": [container(specs[n], states.get(n), waits) for n in sorted(mains)],
            "qosClass": "BestEffort",
        }
        if inits:
            first = "PodInitializing"
            status["initContainerStatuses"] = [
                container(specs[name], states.get(name), first) for name in inits
            ]
        if self.is_new:
            status["observedGeneration"] = 1
            status["hostIPs"] = [{"ip": NODE}]
        return status


def condition(kind, status, probed=False, **more):
    moment = now()
    probe = moment if probed else None
    return {
        "type": kind,
        "status": status,
        "lastProbeTime": probe,
        "lastTransitionTime": moment,
        **more,
    }


def container(spec, state, waits):
    """One container's status."""
    known = {"name": spec["name"], "lastState": {}, "restartCount": 0, "image": spec["image"]}
    if state is None:
        state = {"waiting": {"reason": waits}}
        return {**known, "state": state, "ready": False, "imageID": "", "started": False}
    running_id = "containerd://" + "d" * 64
    known |= {"imageID": IMAGE_ID, "containerID": running_id}
    if isinstance(state, str):
        running = {"running": {"startedAt": state}}
        return {**known, "state": running, "ready": True, "started": True}
    begin, end, code, reason = state
    terminated = {
        "exitCode": code,
        "reason": reason or ("Completed" if code == 0 else "Error"),
        "startedAt": begin,
        "finishedAt": end,
        "containerID": running_id,
    }
    return {**known, "state": {"terminated": terminated}, "ready": code == 0, "started": False}
