# SPDX-License-Identifier: Apache-2.0
"""The Job controller and the one node: each Job gets a pod, and each pod comes to its end.

How a pod fares is a play, the first whose `job` (a regular expression) is found in the Job's name:

    schedule, create, init, run   seconds before the pod has a node, until its first container runs,
                                  that the init containers take, and that the others take
    stay      "unschedulable", "creating", "init" or "running": it goes no further
    exits     {container: exit code}; 0 where nothing is said
    reasons   {container: reason}, such as OOMKilled
    fails     {"reason": …, "message": …}: the pod as a whole fails so when it has begun to run
    empties   ["status"]: its status is {} for as long as it runs; ["containerStatuses"]: of that alone
    log       {container: [lines]}
    works     false: nobody does the worker's work in it
    lost      true: its node does not answer any more, so nothing ends the pod once it is deleted
"""

import asyncio
import random
import re
import string
import time
import uuid

from objects import Collection, Refused, Versions, now
from shapes import NODE, Shapes

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
DELAYS = {"schedule": 0.02, "create": 0.05, "init": 0.1, "run": 0.2}
PLAY = {*DELAYS, "job", "stay", "exits", "reasons", "fails", "empties", "log", "works", "lost"}


class Log:
    """What one container has written, with the moment of each line."""

    def __init__(self):
        self.lines = []
        self.is_over = False
        self.bell = asyncio.Event()

    def write(self, text):
        seconds = time.time()
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e9):09}Z"
        self.lines.append((moment, text))
        self.ring()

    def end(self):
        self.is_over = True
        self.ring()

    def ring(self):
        self.bell.set()
        self.bell = asyncio.Event()


class Cluster:
    """One namespace."""

    def __init__(self, namespace, version, worker=None, has_ttl=None, node=None):
        self.namespace = namespace
        self.shapes = Shapes(version)
        self.worker = worker
        self.node = node
        self.has_ttl = self.shapes.is_new if has_ttl is None else has_ttl
        self.plays = []
        self.delays = dict(DELAYS)
        self.tasks = {}
        self.reset()

    def reset(self):
        """Forgets every object, and ends what goes on."""
        for task in self.tasks.values():
            task.cancel()
        versions = Versions()
        self.tasks = {}
        self.logs = {}
        self.jobs = Collection(versions, "Job", "jobs", "batch", "batch/v1")
        self.pods = Collection(versions, "Pod", "pods", "", "v1")
        self.events = Collection(versions, "Event", "events", "", "v1")
        self.gate = asyncio.Event()
        self.gate.set()

    def set_plays(self, plays):
        for play in plays:
            unknown = set(play) - PLAY
            if unknown:
                raise ValueError(f"a play has no {', '.join(sorted(unknown))}")
        self.plays = plays

    def play(self, job):
        return self.play_of(job["metadata"]["name"])

    def play_of(self, name):
        found = next((p for p in self.plays if re.search(p.get("job", ""), name)), {})
        return {**self.delays, **found}

    def hold(self):
        """Pods that run go on running until they are released."""
        self.gate.clear()

    def release(self):
        self.gate.set()

    # What clients ask for

    def create_job(self, given, is_rehearsal=False):
        metadata = given.setdefault("metadata", {})
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + suffix()
        self.check(given)
        metadata["namespace"] = self.namespace
        job = self.shapes.job(given, str(uuid.uuid4()))
        if not self.has_ttl:
            job["spec"].pop("ttlSecondsAfterFinished", None)
        if is_rehearsal:
            return job
        self.jobs.add(job)
        self.start(job, self.run_job(job))
        return job

    def check(self, given):
        """What a server finds wrong first with Jobs that are written by hand."""
        name = given["metadata"].get("name", "")
        pod = ((given.get("spec") or {}).get("template") or {}).get("spec") or {}
        causes = []
        if not NAME.fullmatch(name) or len(name) > 63:
            causes.append(("FieldValueInvalid", "metadata.name", f'Invalid value: "{name}": {NAME_RULE}'))
        containers = pod.get("containers") or []
        if not containers:
            causes.append(("FieldValueRequired", "spec.template.spec.containers", "Required value"))
        for index, container in enumerate(containers):
            if not container.get("image"):
                field = f"spec.template.spec.containers[{index}].image"
                causes.append(("FieldValueRequired", field, "Required value"))
        if pod.get("restartPolicy") not in ("Never", "OnFailure"):
            words = 'Required value: valid values: "OnFailure", "Never"'
            causes.append(("FieldValueRequired", "spec.template.spec.restartPolicy", words))
        if not causes:
            return
        said = ", ".join(f"{field}: {words}" for _, field, words in causes)
        said = f"[{said}]" if len(causes) > 1 else said
        raise Refused(
            422,
            "Invalid",
            f'Job.batch "{name}" is invalid: {said}',
            {
                "name": name,
                "group": "batch",
                "kind": "Job",
                "causes": [
                    {"reason": reason, "message": words, "field": field}
                    for reason, field, words in causes
                ],
            },
        )

    def delete(self, collection, name, options):
        """Deletes a Job or a Pod."""
        item = collection.get(name)
        metadata = item["metadata"]
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted and wanted != metadata["uid"]:
            words = (
                f'Operation cannot be fulfilled on {collection.resource} "{name}": the UID in the '
                f"precondition ({wanted}) does not match the UID in record ({metadata['uid']})."
            )
            raise Refused(409, "Conflict", words, collection.details(name))
        if collection is self.pods:
            self.end_pod(item)
            return item
        propagation = options.get("propagationPolicy", "Background")
        pods = [] if propagation == "Orphan" else self.pods_of(item)
        if propagation == "Foreground" and pods:
            metadata["deletionTimestamp"] = now()
            metadata["finalizers"] = ["foregroundDeletion"]
            collection.update(item)
            self.start(item, self.remove_after(item, pods))
        else:
            self.stop(item)
            collection.remove(item)
        for pod in pods:
            self.end_pod(pod)
        return item

    def patch(self, collection, name, change):
        """JSON merge patch (RFC 7386)."""
        item = collection.get(name)
        wanted = (change.get("metadata") or {}).get("resourceVersion")
        if wanted and wanted != item["metadata"]["resourceVersion"]:
            words = (
                f'Operation cannot be fulfilled on {collection.resource} "{name}": the object has '
                "been modified; please apply your changes to the latest version and try again"
            )
            raise Refused(409, "Conflict", words, collection.details(name))
        merge(item, change)
        if not self.has_ttl:
            item["spec"].pop("ttlSecondsAfterFinished", None)
        collection.update(item)
        if collection is self.jobs and is_over(item):
            self.start(item, self.expire(item))
        return item

    def pods_of(self, job):
        uid = job["metadata"]["uid"]
        return [
            item.object
            for item in self.pods.items.values()
            if any(owner["uid"] == uid for owner in item.object["metadata"]["ownerReferences"])
        ]

    def log(self, pod, container):
        return self.logs.setdefault((pod["metadata"]["uid"], container), Log())

    # What goes on by itself

    def start(self, item, course):
        uid = item["metadata"]["uid"]
        self.stop(item)
        self.tasks[uid] = asyncio.get_running_loop().create_task(course)

    def stop(self, item):
        task = self.tasks.pop(item["metadata"]["uid"], None)
        if task:
            task.cancel()

    async def run_job(self, job):
        pod = self.shapes.pod(job, f"{job['metadata']['name']}-{suffix()}")
        self.pods.add(pod)
        start = now()
        job["status"] = self.shapes.active(start)
        self.jobs.update(job)
        is_success = await self.run_pod(pod, self.play(job))
        if self.node:
            self.node.remove(pod)
        if self.shapes.is_new:
            pod["metadata"].pop("finalizers", None)
            self.pods.update(pod)
        if is_success:
            job["status"] = self.shapes.complete(start)
        else:
            words = "Job has reached the specified backoff limit"
            job["status"] = self.shapes.failed(start, "BackoffLimitExceeded", words)
        self.jobs.update(job)
        await self.expire(job)

    async def expire(self, job):
        """Removes a Job that has ended, when its time is over."""
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if seconds is None:
            return
        await asyncio.sleep(seconds)
        for pod in self.pods_of(job):
            self.pods.remove(pod)
        self.jobs.remove(job)

    async def run_pod(self, pod, play):
        """Takes a pod to its end, and says whether it is a good one."""
        stay = play.get("stay")
        await asyncio.sleep(play["schedule"])
        if stay == "unschedulable":
            pod["status"] = self.shapes.unschedulable()
            self.pods.update(pod)
            await self.for_ever(pod)
        pod["spec"]["nodeName"] = NODE
        pod["status"] = self.shapes.scheduled()
        self.pods.update(pod)
        start, states = now(), {}
        self.show(pod, "Pending", states, start, play)
        if stay == "creating":
            await self.for_ever(pod)
        await asyncio.sleep(play["create"])
        for container in pod["spec"].get("initContainers", []):
            states[container["name"]] = now()
            self.show(pod, "Pending", states, start, play)
            if stay == "init":
                await self.for_ever(pod)
            await asyncio.sleep(play["init"])
            if await self.run_container(pod, container, states, play) != 0:
                self.show(pod, "Failed", states, start, play)
                return False
        containers = [container["name"] for container in pod["spec"]["containers"]]
        for name in containers:
            states[name] = now()
        self.show(pod, "Running", states, start, play)
        if self.node:
            return await self.run_containers(pod, states, start, play)
        if play.get("fails"):
            pod["status"] = {"phase": "Failed", **play["fails"], "startTime": start}
            self.pods.update(pod)
            return False
        if stay == "running":
            await self.for_ever(pod)
        await asyncio.sleep(play["run"])
        await self.gate.wait()
        if self.worker and play.get("works", True):
            await self.worker.work(pod, lambda name, line: self.log(pod, name).write(line))
        codes = [self.finish(pod, name, states, play) for name in containers]
        is_success = not any(codes)
        self.show(pod, "Succeeded" if is_success else "Failed", states, start, play)
        return is_success

    async def run_containers(self, pod, states, start, play):
        """Lets the node run them; a pod that fails as a whole is ended when it has run for a while."""

        async def run(container):
            code = await self.run_container(pod, container, states, play)
            self.show(pod, "Running", states, start, play)
            return code

        running = asyncio.gather(*(run(container) for container in pod["spec"]["containers"]))
        if play.get("fails"):
            await asyncio.sleep(play["run"])
            running.cancel()
            await self.node.end(pod)
            pod["status"] = {"phase": "Failed", **play["fails"], "startTime": start}
            self.pods.update(pod)
            return False
        is_success = not any(await running)
        self.show(pod, "Succeeded" if is_success else "Failed", states, start, play)
        return is_success

    async def run_container(self, pod, container, states, play):
        """Gives its exit code."""
        name, code = container["name"], None
        if self.node:
            code = await self.node.run(pod, container, self.log(pod, name))
        return self.finish(pod, name, states, play, code)

    def show(self, pod, phase, states, start, play):
        status = self.shapes.status(pod, phase, states, start)
        if phase in ("Pending", "Running"):
            for name in play.get("empties", []):
                status = {} if name == "status" else {k: v for k, v in status.items() if k != name}
        pod["status"] = status
        self.pods.update(pod)

    def finish(self, pod, container, states, play, code=None):
        """Ends a container as it did, or else as the play says, and gives its exit code."""
        log = self.log(pod, container)
        for line in play.get("log", {}).get(container, []):
            log.write(line)
        log.end()
        if code is None:
            code = play.get("exits", {}).get(container, 0)
        states[container] = (states[container], now(), code, play.get("reasons", {}).get(container))
        return code

    async def for_ever(self, pod):
        await asyncio.Event().wait()

    def end_pod(self, pod):
        """Ends a pod whose deletion was asked for: soon, and not at once."""
        owner = pod["metadata"]["ownerReferences"][0]
        job = self.jobs.find(owner["name"])
        pod["metadata"]["deletionTimestamp"] = now()
        pod["metadata"]["deletionGracePeriodSeconds"] = pod["spec"]["terminationGracePeriodSeconds"]
        self.pods.update(pod)
        is_lost = self.play_of(owner["name"]).get("lost", False)
        if not is_lost:
            self.start(pod, self.remove_pod(pod))
        if job and job["metadata"]["uid"] == owner["uid"] and "deletionTimestamp" not in job["metadata"]:
            self.stop(job)
            if is_lost and not self.shapes.is_new:
                # A controller of 1.20 does not count a pod that is being deleted: it makes another.
                self.start(job, self.run_job(job))
                return
            words = "Job has reached the specified backoff limit"
            start = job["status"].get("startTime", now())
            status = self.shapes.failed(start, "BackoffLimitExceeded", words)
            job["status"] = self.shapes.failing(status) if is_lost else status
            self.jobs.update(job)

    async def remove_pod(self, pod):
        await asyncio.sleep(0.05)
        if self.node:
            await self.node.end(pod)
            self.node.remove(pod)
        for container in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
            self.log(pod, container["name"]).end()
        self.pods.remove(pod)

    async def remove_after(self, job, pods):
        while any(self.pods.find(pod["metadata"]["name"]) for pod in pods):
            await asyncio.sleep(0.02)
        self.jobs.remove(job)


def is_over(job):
    return "completionTime" in job["status"] or "failed" in job["status"]


def merge(item, change):
    for name, value in change.items():
        if value is None:
            item.pop(name, None)
        elif isinstance(value, dict) and isinstance(item.get(name), dict):
            merge(item[name], value)
        else:
            item[name] = value


def suffix():
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=5))
