# SPDX-License-Identifier: Apache-2.0
"""The worker alone: how soon it speaks to the store, and what it costs beside a tool that does nothing."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

from galaxy_job import GalaxyJob, Shape
from measuring import COSTS, Broken, Cost, run
from servers import BUCKET, counting, seaweedfs

ROUNDS = 30
ANSWER = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)
ABSENT = b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"


def worker(suite):
    count = 5 if suite.quick else ROUNDS
    with seaweedfs(suite.disk / "seaweedfs") as endpoint:
        job = GalaxyJob(suite.disk / "empty", Shape(small=5, small_bytes=1 << 10))
        made = HandMadeTry(job, endpoint)
        for _ in range(count):
            suite.samples.add("worker", "none", "start to first byte", "ours", made.first_byte())
            cost, phases = made.empty_job()
            suite.samples.add("worker", endpoint.name, "an empty job", "ours", cost, **phases)
        with counting(suite.disk / "counting", endpoint) as (counted, log):
            made.empty_job(counted)
            counts, _ = log.since_last()
            suite.samples.count("worker", endpoint.name, "an empty job", "ours", counts)


class HandMadeTry:
    """A worker that is started exactly as the head started it, with a volume of its own each time."""

    def __init__(self, job, endpoint):
        self.job, self.endpoint = job, endpoint
        self.folder = job.folder / "hand-made"
        for _ in range(10):
            job.renew()
            if self.watch_head():
                return
        raise Broken("the head's try was over before it was seen")

    def watch_head(self):
        """Lets the head run the job, and takes what it tells the worker from the try's folder."""
        tries = self.job.folder / "state/tries"
        result = {}
        thread = threading.Thread(target=lambda: result.update(ran=self.job.run(self.endpoint)))
        thread.start()
        pod, roots = None, 0
        while thread.is_alive():
            for path in tries.glob("*-1/pod.json"):
                try:
                    pod, roots = path.read_text(), len(list((path.parent / "volume").glob("r[0-9]*")))
                    self.original = str(path.parent)
                except OSError:
                    continue
            time.sleep(0.001)
        thread.join()
        if not (pod and roots and "ran" in result):
            return False
        (container,) = json.loads(pod)["containers"]
        self.roots = roots
        self.words = [str(word).replace(self.original, str(self.folder)) for word in container["command"]]
        return True

    def worker_at(self):
        """Where the worker's own words begin in those of the sandbox."""
        return max(n for n, word in enumerate(self.words) if word.endswith("/galaxy-worker-exec"))

    def words_of_worker(self):
        return self.words[self.worker_at() + 1 :]

    def option(self, name):
        words = self.words_of_worker()
        return words[words.index(name) + 1]

    def first_byte(self):
        """From the worker's start to the first byte of its first request, at a store that has nothing."""
        state = self.folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        with Listener() as listener:
            words = [self.storage_at(listener.url, word) for word in self.words_of_worker()]
            words[words.index("--state") + 1] = str(state)
            program = os.environ["GALAXY_S3_BENCH_WORKER"]
            # Without a spec the worker ends at once: 64.
            cost, _ = run([program, *words], self.endpoint.environment, expected=64)
            shutil.rmtree(self.folder)
            return Cost(listener.moment - cost.begin, cost.cpu, cost.peak, cost.begin)

    def storage_at(self, url, word):
        return word.replace(self.endpoint.url, url)

    def empty_job(self, endpoint=None):
        """One attempt, from the worker's start to its end, without the tool; phases as it reports them."""
        endpoint = endpoint or self.endpoint
        shutil.rmtree(self.folder, ignore_errors=True)
        volume = self.folder / "volume"
        for name in ("state/tool", "tmp", *(f"r{number}" for number in range(self.roots))):
            (volume / name).mkdir(parents=True)
        subprocess.run(["chmod", "-R", "a+rwX", self.folder], check=True)
        self.remove_result()
        figures = volume / "state/costs"
        words = [self.storage_at(endpoint.url, word) for word in self.words]
        begin = self.worker_at()
        inside = ["/galaxy-s3/costs", "/galaxy-s3/state/costs", "60"]
        # Measured inside the sandbox, whose making is not the worker's.
        options = words.index("--remount-ro")
        shown = ["--ro-bind", COSTS, "/galaxy-s3/costs"]
        words = words[:options] + shown + words[options:begin] + inside + words[begin:]
        run(words, endpoint.environment)
        found = json.loads(figures.read_text())
        report = self.report()
        phases = {phase["name"]: phase for phase in report["phases"]}
        wall = found["wall"] / 1e9 - report["tool"]["seconds"]
        cost = Cost(wall, found["cpu"] / 1e6, found["peak"] / 1024, found["begin"] / 1e9)
        return cost, {name: round(phases[name]["seconds"], 4) for name in ("fetch", "push") if name in phases}

    # The bucket

    def run_prefix(self):
        return re.sub(r"spec\.json$", "", self.option("--spec"))

    def remove_result(self):
        """Makes the run one that nobody has finished yet, and forgets earlier attempts."""
        for pattern in ("result.json", "attempts/*"):
            self.s5cmd("rm", pattern)

    def report(self):
        """What the one attempt that there is says of itself: short, so its result holds it."""
        return json.loads(json.loads(self.s5cmd("cat", "result.json"))["report"])

    def s5cmd(self, verb, pattern):
        url = f"s3://{BUCKET}/{self.run_prefix()}{pattern}"
        command = ["s5cmd", "--log", "error", verb, url]
        environment = os.environ | self.endpoint.environment
        return subprocess.run(command, check=False, capture_output=True, env=environment).stdout


class Listener:
    """A store that has nothing, and notes when the first byte came."""

    def __enter__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.moment = None
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                connection.recv(1)
                self.moment = self.moment or time.monotonic()
                connection.recv(1 << 16)
                connection.sendall(ANSWER % (len(ABSENT), ABSENT))
