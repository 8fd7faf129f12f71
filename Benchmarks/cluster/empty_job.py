# SPDX-License-Identifier: Apache-2.0
"""empty_job.py [--rounds N] [--trace FILE] HEAD-NODE-OPTION...: how long a job takes that does nothing.

In turn, one at a time, and watched through one long-lived connection: a bare Job; a Job with an init
container that does nothing; a Job just as the head makes it, but all its containers do nothing
(`twin`); ours in both shapes, through one `galaxy-head-node serve`; and through a `galaxy-head-node run`
of its own. A Job of Kubernetes' own counts from the create to the condition Complete as a watch shows
it; ours from the request to the state `ok`, or from the start of `run` to its end, with everything
collected.

The environment names the head (HEAD_NODE), the cluster (as `Scripts/cluster env` does) and the tool's
image (TOOL_IMAGE). --trace keeps every moment of every job as JSON lines.
"""

import argparse
import collections
import json
import os
import pathlib
import queue
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from api import Cluster
from head import FINAL, Head

INSTANCE = f"bench{os.getpid()}"
LABEL = "galaxy-s3-executor/instance"
OWN_CONTAINERS = ("install", "fetch", "tool", "push")
# What a table shows of each job: when its pod was there, what came before the tool was over, its
# containers were over, and the job was.
MILESTONES = {
    "pod": ("pods added",),
    "init over": ("init terminated", "fetch terminated", "install terminated"),
    "pod over": ("pod Succeeded",),
    "end": ("end",),
}


class Trace:
    """The moments of one job, in seconds since its beginning."""

    def __init__(self, kind):
        self.kind = kind
        self.begin = time.time()
        self.moments = {}

    def mark(self, what, moment=None):
        """Notes when something was first seen."""
        self.moments.setdefault(what, (moment or time.time()) - self.begin)

    def milestone(self, name):
        found = [self.moments[what] for what in MILESTONES[name] if what in self.moments]
        return min(found, default=None)


class Observer:
    """What the watches show of the jobs of this process."""

    def __init__(self, cluster):
        self.events = queue.Queue()
        for kind in ("jobs", "pods"):
            cluster.watch(kind, f"{LABEL}={INSTANCE}", self.taker(kind))

    def taker(self, kind):
        return lambda moment, change, item: self.events.put((moment, kind, change, item))

    def follow(self, trace, job, is_over):
        """Marks what is seen of a Job and its pod until `is_over` says so."""
        while True:
            try:
                moment, kind, change, item = self.events.get(timeout=120)
            except queue.Empty:
                said = f"nothing is heard of a {trace.kind} job: {trace.moments}"
                raise SystemExit(said) from None
            metadata = item["metadata"]
            if job not in (metadata["name"], metadata["labels"].get("job-name")):
                continue
            for what in facts(kind, change, item):
                trace.mark(what, moment)
            if is_over(kind, change, item):
                return item


def facts(kind, change, item):
    """What an event says, perhaps for the first time."""
    status = item.get("status", {})
    yield f"{kind} {change.lower()}"
    if kind == "pods":
        yield f"pod {status.get('phase')}"
    for condition in status.get("conditions", []):
        if condition["status"] == "True":
            yield f"{kind} {condition['type']}"
    for container in status.get("initContainerStatuses", []) + status.get("containerStatuses", []):
        for state in ("running", "terminated"):
            if state in container.get("state", {}):
                yield f"{container['name']} {state}"


def is_over(kind, _, item):
    return kind == "jobs" and (has(item, "Complete") or has(item, "Failed"))


def has(item, condition):
    found = item.get("status", {}).get("conditions", [])
    return any(c["type"] == condition and c["status"] == "True" for c in found)


class Bench:
    """One cluster, and a folder for what Galaxy would have."""

    def __init__(self, options):
        environment = os.environ
        self.cluster = Cluster(
            environment["GALAXY_S3_CLUSTER_KUBECONFIG"], environment["GALAXY_S3_CLUSTER_NAMESPACE"]
        )
        self.observer = Observer(self.cluster)
        self.head = environment["HEAD_NODE"]
        self.image = environment["TOOL_IMAGE"]
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="galaxy-empty-job-"))
        self.folder.chmod(0o755)
        self.count = 0
        self.last_pod = None
        self.messages = queue.Queue()
        command = [self.head, "serve", *options, "--set", f"instance={INSTANCE}"]
        self.serve = Head(command, lambda *message: self.messages.put(message))

    def close(self):
        self.serve.close()
        shutil.rmtree(self.folder)

    # Jobs of Kubernetes' own

    def container(self, name, **more):
        return {"name": name, "image": self.image, "command": ["/bin/true"], **more}

    def bare(self):
        return self.own("bare", {"containers": [self.container("main")]})

    def init(self):
        pod = {"initContainers": [self.container("init")], "containers": [self.container("main")]}
        return self.own("init", pod)

    def twin(self):
        """A pod just like the one that the head made last, whose containers do nothing."""
        if not self.last_pod:
            self.split()
        kept = ("resources", "securityContext", "volumeMounts", "env")
        idle = {
            kind: [
                self.container(c["name"], **{name: c[name] for name in kept if name in c})
                for c in self.last_pod[kind]
            ]
            for kind in ("initContainers", "containers")
        }
        return self.own("twin", {**self.last_pod, **idle})

    def own(self, kind, pod):
        labels = {LABEL: INSTANCE}
        template = {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", **pod}}
        trace = Trace(kind)
        job = self.cluster.create_job(
            {
                "metadata": {"generateName": f"{INSTANCE}-", "labels": labels},
                "spec": {"backoffLimit": 0, "template": template},
            }
        )
        name = job["metadata"]["name"]
        ended = self.observer.follow(trace, name, is_over)
        if has(ended, "Failed"):
            raise SystemExit(f"a {kind} job failed: {ended['status']}")
        trace.mark("end", trace.begin + trace.moments["jobs Complete"])
        self.remove(name, trace)
        return trace

    def remove(self, name, trace):
        self.cluster.delete_job(name)
        # The next job has the node to itself.
        self.observer.follow(trace, name, lambda *event: event[:2] == ("pods", "DELETED"))

    # Ours

    def split(self):
        return self.served("split")

    def single(self):
        return self.served("single")

    def served(self, shape):
        path = str(self.describe())
        trace = Trace(shape)
        self.serve.submit(path, {"kubernetes.shape": shape})
        while True:
            moment, message = self.messages.get(timeout=120)
            if "error" in message or message.get("event") == "over":
                raise SystemExit(f"the head says: {message}")
            if message.get("job") != path or message.get("event") != "state":
                continue
            trace.mark(f"head: {message['state']}", moment)
            if message["state"] in FINAL:
                break
        if message["state"] != "ok":
            raise SystemExit(f"the {shape} job failed: {message}")
        trace.mark("end", moment)
        self.serve.ask("forget", {"job": path})
        self.look_back(trace, shape)
        return trace

    def run(self):
        command = [self.head, "run", "--json", "--job", str(self.describe()), *self.options]
        command += ["--set", f"instance={INSTANCE}"]
        trace = Trace("run")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as head:
            for line in head.stdout:
                moment, event = time.time(), json.loads(line)
                about = event.get("phase") or event.get("report", {}).get("name", "")
                trace.mark(f"head: {event['event']} {about}".strip(), moment)
            complaint = head.stderr.read().decode()
        trace.mark("end")
        if head.returncode != 0:
            raise SystemExit(f"the job failed: {event} {complaint}")
        self.look_back(trace, "split")
        return trace

    def look_back(self, trace, shape):
        """Marks what the cluster knows of the head's last job, and removes it."""
        pod = self.cluster.newest_pod(f"{LABEL}={INSTANCE}")
        job = pod["metadata"]["labels"]["job-name"]
        self.observer.follow(trace, job, is_over)
        for container in pod["spec"]["initContainers"] + pod["spec"]["containers"]:
            for moment, text in self.cluster.log(pod["metadata"]["name"], container["name"]):
                trace.mark(f"log {container['name']}: {text[:60]}", moment)
        if shape == "split":
            self.last_pod = self.cluster.job(job)["spec"]["template"]["spec"]
        self.remove(job, trace)

    def describe(self):
        """What Galaxy would have made of a job whose tool does nothing; the path of the description."""
        self.count += 1
        job = self.folder / "jobs" / str(self.count)
        for name in ("working", "outputs"):
            (job / name).mkdir(parents=True)
        script = job / "tool.sh"
        script.write_text(f"#!/bin/sh\ncd {job}/working\necho 0 > {job}/job.ec\n")
        script.chmod(0o755)
        streams = {
            "exit_code_file": "job.ec",
            "stdout": "outputs/tool_stdout",
            "stderr": "outputs/tool_stderr",
            "job_stdout": "job.o",
            "job_stderr": "job.e",
        }
        description = {
            "version": 1,
            "galaxy_id": str(self.count),
            "tool_id": "empty",
            "image": self.image,
            "job_directory": str(job),
            "working_directory": str(job),
            "command": ["/bin/sh", str(script)],
            "environment": {},
            **{name: [] for name in ("inputs", "tool_files", "reference_data", "outputs")},
            **{name: str(job / place) for name, place in streams.items()},
        }
        path = self.folder / f"{self.count}.json"
        path.write_text(json.dumps(description))
        return path


def table(traces):
    columns = "".join(f"{name:>10}" for name in MILESTONES)
    print(f"{'job':8}{'n':>4}{columns}{'least':>8}{'most':>8}")
    for kind, found in traces.items():
        row = ""
        for name in MILESTONES:
            seen = [at for trace in found if (at := trace.milestone(name)) is not None]
            row += f"{statistics.median(seen):10.2f}" if seen else f"{'':10}"
        ends = [trace.milestone("end") for trace in found]
        print(f"{kind:8}{len(found):4d}{row}{min(ends):8.2f}{max(ends):8.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--trace", type=pathlib.Path)
    parser.add_argument("--only", action="append")
    known, options = parser.parse_known_args()
    bench = Bench(options)
    kinds = known.only or ["bare", "init", "twin", "split", "single", "run"]
    traces = collections.defaultdict(list)
    try:
        for number in range(known.rounds):
            for kind in kinds:
                # The kubelet looks around once a second, and jobs must not follow its beat.
                time.sleep(random.random())
                trace = getattr(bench, kind)()
                traces[kind].append(trace)
                if known.trace:
                    line = {"kind": kind, "begin": trace.begin, "moments": trace.moments}
                    with known.trace.open("a") as file:
                        print(json.dumps(line), file=file)
            print(f"round {number + 1} of {known.rounds}", file=sys.stderr)
    finally:
        bench.close()
    table(traces)


if __name__ == "__main__":
    main()
