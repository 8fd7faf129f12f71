# SPDX-License-Identifier: Apache-2.0
"""many_jobs.py [--jobs N] [--idle SECONDS] FOLDER HEAD-NODE-OPTION...: one head with many jobs at once.

The API server is Tests/Tools/fake_kubernetes: its pods run nothing, and commit each run in a real
bucket when they are told to end. All jobs are submitted as fast as the head takes them; when all of
them run, nothing happens for a while; then all pods end. Printed are submissions a second, the head's
memory, the processor time of each program in each part, and requests by kind.

The environment names the head (HEAD_NODE), the store (STORE_PID, if its processor time is wanted) and
its keys. FOLDER is for what Galaxy would have; it has to be there, and empty.
"""

import argparse
import collections
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.request

from head import FINAL, Head

FAKE = pathlib.Path(__file__).parents[2] / "Tests" / "Tools" / "fake_kubernetes"
FILES = 131_072
# How the head reckons (HeadNode/Serve/Life/OpenFiles.swift).
RESERVED_FILES, FILES_A_JOB = 256, 6
TICKS = os.sysconf("SC_CLK_TCK")


class States:
    """In which state each job is, from the head's events."""

    def __init__(self):
        self.changed = threading.Condition()
        self.of = {}
        self.first = collections.defaultdict(dict)
        self.notes = []
        self.trouble = None

    def take(self, moment, message):
        with self.changed:
            if "error" in message or message.get("event") == "over":
                self.trouble = message
            elif message.get("event") == "note":
                self.notes.append(message["text"])
            elif message.get("event") == "state":
                self.of[message["job"]] = message["state"]
                self.first[message["state"]].setdefault(message["job"], moment)
                if message["state"] in FINAL - {"ok"}:
                    self.trouble = message
            self.changed.notify_all()

    def wait(self, state, count, seconds):
        """Waits until so many jobs have been in `state`, and says when the last of them was."""
        end = time.time() + seconds
        with self.changed:
            while len(self.first[state]) < count:
                left = end - time.time()
                if self.trouble or left < 0:
                    counts = collections.Counter(self.of.values())
                    raise SystemExit(f"not {count} are {state}: {self.trouble} {counts}")
                self.changed.wait(min(left, 5))
                say(f"{len(self.first[state])} {state}")
            return max(self.first[state].values())


def say(text):
    if sys.stderr.isatty():
        print(text.ljust(40), end="\r", file=sys.stderr)


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


class Parts:
    """What each part of the measurement took."""

    def __init__(self, pids):
        self.pids = pids
        self.rows = []
        self.mark()

    def mark(self):
        self.began = time.time()
        self.spent = {name: processor_seconds(pid) for name, pid in self.pids.items()}

    def end(self, name, ended=None):
        wall = (ended or time.time()) - self.began
        spent = {n: processor_seconds(pid) - self.spent[n] for n, pid in self.pids.items()}
        head = self.pids["head"]
        self.rows.append((name, wall, spent, memory_mib(head, "VmRSS"), memory_mib(head, "VmHWM")))
        self.mark()
        return wall

    def table(self):
        names = "".join(f"{n + ' CPU s':>14}" for n in self.pids)
        print(f"{'part':22}{'wall s':>8}{names}{'head MiB':>10}{'peak':>8}")
        for name, wall, spent, now, peak in self.rows:
            row = "".join(f"{spent[n]:14.1f}" for n in self.pids)
            print(f"{name:22}{wall:8.1f}{row}{now:10.1f}{peak:8.1f}")


def describe(folder, number):
    """A job as Galaxy leaves it to a runner, with one output; the path of its description."""
    job = folder / str(number // 1000) / str(number)
    for name in ("working", "outputs"):
        (job / name).mkdir(parents=True)
    (job / "tool.sh").write_text("true\n")
    (job / "outputs" / "out.dat").touch()
    streams = {
        "exit_code_file": "job.ec",
        "stdout": "outputs/tool_stdout",
        "stderr": "outputs/tool_stderr",
        "job_stdout": "job.o",
        "job_stderr": "job.e",
    }
    description = {
        "version": 1,
        "galaxy_id": str(number),
        "tool_id": "none",
        "image": "localhost/none:1",
        "job_directory": str(job),
        "working_directory": str(job),
        "command": ["/bin/sh", str(job / "tool.sh")],
        "environment": {},
        **{name: [] for name in ("inputs", "tool_files", "reference_data")},
        "outputs": [{"name": "out", "path": str(job / "outputs" / "out.dat")}],
        **{name: str(job / place) for name, place in streams.items()},
    }
    path = job.with_suffix(".json")
    path.write_text(json.dumps(description))
    return path


class Fake:
    """The API server."""

    def __init__(self, folder):
        self.kubeconfig = folder / "kubeconfig"
        command = [sys.executable, FAKE, "--work", "--kubeconfig", self.kubeconfig]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def tell(self, method, path):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read() or b"{}")


def measure(count, followed, idle, folder, options):
    jobs = [describe(folder / "jobs", number) for number in range(1, count + 1)]
    fake, states = Fake(folder), States()
    settings = [
        "executor=kubernetes",
        f"kubernetes.k8s_config_path={fake.kubeconfig}",
        "kubernetes.k8s_namespace=galaxy",
        "kubernetes.output_allowance=256Mi",
        f"kubernetes.worker_image=localhost/none@sha256:{'0' * 64}",
    ]
    flags = [word for setting in settings for word in ("--set", setting)]
    head = None
    try:
        fake.tell("POST", "/_hold")
        with open(folder / "head.log", "wb") as log:
            head = Head([os.environ["HEAD_NODE"], "serve", *flags, *options], states.take, log)
        pids = {"head": head.process.pid, "fake": fake.process.pid}
        if os.environ.get("STORE_PID"):
            pids["store"] = int(os.environ["STORE_PID"])
        parts = Parts(pids)
        parts.end("start")
        for job in jobs:
            head.submit(job)
        wall = parts.end(f"submit {followed}", states.wait("queued", followed, 1800))
        print(f"{followed / wall:.0f} submissions a second")
        states.wait("running", followed, 600)
        parts.end(f"until {followed} run")
        time.sleep(idle)
        parts.end(f"all wait, {idle} s")
        fake.tell("POST", "/_release")
        wall = parts.end("until all are ok", states.wait("ok", count, 3600))
        print(f"{count / wall:.0f} jobs a second brought back")
        parts.table()
        requests = fake.tell("GET", "/_counts")["requests"]
        print("requests a job:", {kind: round(n / count, 4) for kind, n in sorted(requests.items())})
        print(f"{len(states.notes)} notes: {collections.Counter(states.notes).most_common(3)}")
        head.close()
    finally:
        for process in (fake.process, head and head.process):
            if process and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--idle", type=int, default=60)
    parser.add_argument("folder", type=pathlib.Path)
    known, options = parser.parse_known_args()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    except (ValueError, PermissionError):
        pass
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    followed = min(known.jobs, (files - RESERVED_FILES) // FILES_A_JOB)
    if followed < known.jobs:
        print(f"{followed} jobs run at once, the others are in line: {files} open files are the limit here")
    measure(known.jobs, followed, known.idle, known.folder, options)


main()
