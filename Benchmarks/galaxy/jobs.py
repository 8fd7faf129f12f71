# SPDX-License-Identifier: Apache-2.0
"""jobs.py [--rounds N] [--large-rounds N] [--size MIB] [--jobs N...] [--burst N]: how long jobs take, and
what they cost.

From the request that starts a job to the dataset's state `ok`, in turn through Galaxy's own Kubernetes
runner and through ours: a job that does nothing; one that reads a large input; one that also writes it; many
at once. Ours sets metadata as the other runner does, in a process of their own (`ours`), or in Galaxy's
(`internal`); its outputs stay in the bucket in `linked`, and in a Galaxy whose data are there all of them
do (`stored`). The environment names the Galaxy and GALAXY_S3_BENCH, the folder of the measurement.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import statistics
import sys
import time
import urllib.request
import warnings
from concurrent.futures import ThreadPoolExecutor

from bioblend import ConnectionError
from bioblend.galaxy import GalaxyInstance

warnings.simplefilter("ignore")
# Seconds after which a measurement is given up.
PATIENCE = 1800
MIB = 1 << 20
WAYS = ("upstream", "ours", "internal")
# Metadata in processes of their own cost the same whoever begins them.
MANY = ("upstream", "internal")
# What reads a large input: its name, the way, and whether the head has not seen the input before.
READERS = (
    ("upstream", "upstream", False),
    ("ours, input is new", "ours", True),
    ("ours, staged already", "ours", False),
    ("internal, staged already", "internal", False),
    ("linked, input is new", "linked", True),
    ("linked, staged already", "linked", False),
)
COPIERS = tuple((way, way, False) for way in ("upstream", "internal", "linked"))
STORED = (("stored", "stored", False),)


class Bench:
    """The Galaxy, and what is counted beside it."""

    def __init__(self):
        self.galaxy = GalaxyInstance(os.environ["GALAXY_URL"], key=os.environ["GALAXY_KEY"])
        self.home = pathlib.Path(os.environ["GALAXY_DIR"])
        self.folder = pathlib.Path(os.environ["GALAXY_S3_BENCH"])
        self.history = self.galaxy.histories.create_history("bench")["id"]
        self.refused = 0

    # Jobs

    def upload(self, size):
        """A dataset of this many bytes, and its file."""
        path = self.folder / "upload"
        with path.open("wb") as file:
            for _ in range(0, size, MIB):
                file.write(b"x" * (min(size, MIB) - 1) + b"\n")
        made = self.galaxy.tools.upload_file(
            str(path), self.history, file_type="txt", file_name="input", to_posix_lines=False
        )
        path.unlink()
        dataset = made["outputs"][0]["id"]
        self.wait(dataset)
        return {"src": "hda", "id": dataset}

    def file(self, dataset):
        return pathlib.Path(self.galaxy.datasets.show_dataset(dataset["id"])["file_name"])

    def wait(self, dataset):
        end = time.monotonic() + PATIENCE
        while (state := self.galaxy.datasets.show_dataset(dataset)["state"]) != "ok":
            if state == "error" or time.monotonic() > end:
                raise SystemExit(f"{state}: {self.galaxy.datasets.show_dataset(dataset)['misc_info']}")
            time.sleep(0.1)

    def start(self, way, dataset, history=None, kind="bench"):
        """A job's output. Galaxy refuses now and then while its database is locked; that is counted."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                made = self.galaxy.tools.run_tool(
                    history or self.history, f"{kind}_{way}", {"input": dataset}
                )
                return made["outputs"][0]["id"]
            except ConnectionError as error:
                if error.status_code != 500 or time.monotonic() > end:
                    raise
                self.refused += 1
                time.sleep(1)

    def one(self, way, dataset, kind="bench"):
        """Seconds of one job that is alone."""
        # Polling has a beat of a second on both sides; jobs must not follow it.
        time.sleep(2 + random.random())
        begin = time.monotonic()
        self.wait(self.start(way, dataset, kind=kind))
        return time.monotonic() - begin

    def burst(self, way, dataset, count):
        """When the first and the last of many jobs were over, in seconds since the first request, and
        how many of them failed."""
        history = self.galaxy.histories.create_history(f"burst {way}")["id"]
        begin = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            waiting = set(pool.map(lambda _: self.start(way, dataset, history), range(count)))
        ends, failed = [], []
        while waiting:
            states = self.states(history)
            ended = {id for id in waiting if states[id] in ("ok", "error", "discarded")}
            failed += [id for id in ended if states[id] != "ok"]
            if time.monotonic() > begin + PATIENCE:
                raise SystemExit(f"{way}: {collections.Counter(states.values())}")
            ends += [time.monotonic() - begin] * len(ended)
            waiting -= ended
            time.sleep(0.5)
        if self.refused:
            print(f"{way}: Galaxy refused {self.refused} requests, which were made again", file=sys.stderr)
            self.refused = 0
        for id in failed:
            print(f"{way}: {self.galaxy.datasets.show_dataset(id)['misc_info']}", file=sys.stderr)
        return ends[0], ends[-1], len(failed)

    def states(self, history):
        """The state of each dataset, in the one question that costs Galaxy little: it shares the cores."""
        answer = self.galaxy.make_get_request(
            f"{self.galaxy.url}/histories/{history}", params={"keys": "state_ids"}
        )
        return {id: state for state, ids in answer.json()["state_ids"].items() for id in ids}

    # What they cost

    def requests(self, way):
        """Requests to the API server since the last time that this was asked."""
        name = "upstream" if way == "upstream" else "ours"
        url = (self.folder / f"{name}.url").read_text().strip()
        with urllib.request.urlopen(f"{url}/_counts", timeout=60) as answer:
            return collections.Counter(json.load(answer))

    def moved(self):
        """Bytes that our head has sent to the bucket and had of it."""
        port = (self.home / "bench-port").read_text()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        names = ("sent", "received")
        return [
            int(re.search(rf"^galaxy_s3_executor_s3_{n}_bytes_total (\d+)", text, re.M)[1]) for n in names
        ]


def row(name, values):
    shown = f"{statistics.median(values):8.2f}   {min(values):.2f} to {max(values):.2f}"
    print(f"    {name:24}{shown}", flush=True)


def nothing(bench, small, rounds):
    times = collections.defaultdict(list)
    counts = collections.defaultdict(collections.Counter)
    for way in WAYS:
        bench.one(way, small)
    for number in range(rounds):
        for way in WAYS:
            bench.requests(way)
            times[way].append(bench.one(way, small))
            # What a runner does when Galaxy has finished with the job counts as well.
            time.sleep(2)
            counts[way] += bench.requests(way)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    print("a job that does nothing, alone: median seconds to `ok`; least to most")
    for way in WAYS:
        row(way, times[way])
    print("  requests to the API server for each")
    for way in WAYS:
        each = {kind: round(n / rounds, 1) for kind, n in sorted(counts[way].items())}
        print(f"    {way:24}{counts[way].total() / rounds:8.1f}   {each}", flush=True)


def large(bench, dataset, rounds, readers, kind):
    times, moved = collections.defaultdict(list), collections.defaultdict(list)
    for number in range(rounds):
        for name, way, is_new in readers:
            if is_new:
                # Another version, which is not in the bucket yet; and old enough to be kept.
                os.utime(bench.file(dataset))
                time.sleep(3)
            before = bench.moved()
            times[name].append(bench.one(way, dataset, kind))
            moved[name].append(sum(bench.moved()) - sum(before))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    print("  seconds to `ok`: median; least to most")
    for name, found in times.items():
        row(name, found)
    print("  MiB that passed through our head")
    for name, found in moved.items():
        row(name, [value / MIB for value in found])


def many(bench, small, count, rounds):
    print(
        f"{count} jobs that do nothing, at once: first and last over, jobs a minute, requests a job, failed"
    )
    for _ in range(rounds):
        for way in MANY:
            bench.requests(way)
            first, last, failed = bench.burst(way, small, count)
            time.sleep(5)
            each = bench.requests(way).total() / count
            minute = 60 * count / last
            print(
                f"    {way:24}{first:8.1f} s {last:8.1f} s {minute:8.1f} {each:8.1f} {failed:8}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--large-rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--jobs", type=int, nargs="*", default=[40, 200], help="how many at once")
    parser.add_argument("--burst", type=int, default=120, help="repeat bursts up to so many jobs")
    parser.add_argument("--copy-rounds", type=int, default=3)
    parser.add_argument("--stored", action="store_true", help="the Galaxy's data are in the bucket")
    options = parser.parse_args()
    bench = Bench()
    # With nothing to do in them, parts are left out.
    if not options.stored and (options.rounds or options.jobs):
        small = bench.upload(1024)
        if options.rounds:
            nothing(bench, small, options.rounds)
        for count in options.jobs:
            # Small bursts tell little: as many jobs of each size.
            many(bench, small, count, max(1, options.burst // count))
    if options.large_rounds or options.copy_rounds:
        dataset = bench.upload(options.size * MIB)
        readers, copiers = (STORED, STORED) if options.stored else (READERS, COPIERS)
        print(f"a job that reads {options.size} MiB, alone")
        large(bench, dataset, options.large_rounds, readers, "bench")
        print(f"a job that reads {options.size} MiB and writes them, alone")
        large(bench, dataset, options.copy_rounds, copiers, "bench_copy")


if __name__ == "__main__":
    main()
