# SPDX-License-Identifier: Apache-2.0
"""suite.py [--rounds N] [--rows ROW,…] [--quick] --out FILE DISK MEMORY: Scripts/bench --movers.

DISK is a folder on a disk, as Galaxy's are; files that only go through a client are in MEMORY (below
/dev/shm), so that no disk is measured. The environment names our programs (GALAXY_S3_BENCH_HEAD_NODE,
GALAXY_S3_BENCH_WORKER, GALAXY_S3_BENCH_COSTS) and holds keys for the stores.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time
import traceback

from measuring import Samples, say
from row_distance import distance
from row_files import large, small, tls
from row_head import head
from row_job import job
from row_scale import scale
from row_worker import worker

# Each row, and how many seconds its rounds may take.
ROWS = {
    "large": (large, 280),
    "small": (small, 240),
    "job": (job, 240),
    "tls": (tls, 200),
    "distance": (distance, 260),
    "worker": (worker, 60),
    "head": (head, 90),
    "scale": (scale, 600),
}
# Only if it is named.
APART = ("scale",)
QUICK_PART = 0.1
QUICK_ROUNDS = 1


class Suite:
    """What every row needs to know: how much there is to do, where, and for how long."""

    def __init__(self, options):
        self.quick = options.quick
        self.rounds = QUICK_ROUNDS if options.quick else options.rounds
        self.disk, self.memory = options.disk, options.memory
        self.samples = Samples()
        self.failures = []
        self.row_seconds = 0
        self.say = say

    def seconds(self, part):
        """A part of the time of the row that is being measured."""
        return self.row_seconds * part

    def failed(self, text):
        """Something came to nothing; the rest goes on, and the end says so."""
        self.failures.append(text)
        say(f"FAILED: {text}")

    def measure(self, name):
        row, seconds = ROWS[name]
        self.row_seconds = seconds * (QUICK_PART if self.quick else 1)
        begin = time.monotonic()
        try:
            row(self)
        except Exception:
            self.failed(f"{name}: {traceback.format_exc(limit=-3)}")
        say(f"{name}: {time.monotonic() - begin:.0f} s")

    def results(self, names):
        known = machine()
        said = f"{known['date'][:10]}, commit {known['commit']}, at most {self.rounds} rounds"
        return {
            "version": 1,
            "machine": known,
            "measured": dict.fromkeys(names, said),
            "versions": versions(),
            "quick": self.quick,
            "rounds": self.rounds,
            "rows": names,
            "notes": self.samples.notes,
            "failures": self.failures,
            "records": self.samples.records,
        }


def machine():
    """What the figures depend on."""
    info = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M"),
        "cpu": next(
            (line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown"
        ),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / (1 << 30), 1),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "commit": output("git", "-C", pathlib.Path(__file__).parent, "describe", "--always", "--dirty"),
    }


def versions():
    """Of everybody who was measured."""
    program = "import importlib.metadata as m; print(*(m.version(n) for n in ('awscrt', 'obstore', 'boto3')))"
    libraries = dict(zip(("awscrt", "obstore", "boto3"), output(sys.executable, "-c", program).split()))
    return {
        "ours": output(os.environ["GALAXY_S3_BENCH_HEAD_NODE"], "--version"),
        "s5cmd": output("s5cmd", "version").split("-")[0],
        **libraries,
        "rclone": output("rclone", "version").split("\n")[0].removeprefix("rclone "),
    }


def usual_rows():
    """The rows that a run has if nobody names them."""
    return [name for name in ROWS if name not in APART]


def output(*command):
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", default=",".join(usual_rows()))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("disk", type=pathlib.Path)
    parser.add_argument("memory", type=pathlib.Path)
    options = parser.parse_args()
    names = options.rows.split(",")
    if unknown := set(names) - set(ROWS):
        parser.error(f"no rows {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    if not options.quick and os.getloadavg()[0] > 0.7:
        say(f"this machine does other work: its load is {os.getloadavg()[0]}")
    # An end from outside is one that cleans up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    suite = Suite(options)
    for name in names:
        suite.measure(name)
        options.out.write_text(json.dumps(suite.results(names), indent=1) + "\n")
    sys.exit(1 if suite.failures else 0)


if __name__ == "__main__":
    main()
